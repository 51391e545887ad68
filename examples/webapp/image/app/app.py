#!/usr/bin/python3
"""A web app that needs nothing but Python: /, /version and /health."""

import argparse
import http.server
import json
import logging
import logging.handlers
import pathlib
import signal
import socketserver
import sys


class Server(http.server.ThreadingHTTPServer):
    """Serves the app.

    settings are those of the configuration file; access is the logger that gets
    a line a request.
    """

    def __init__(self, settings, access):
        self.settings = settings
        self.access = access
        super().__init__((settings["address"], int(settings["port"])), Handler)

    def server_bind(self):
        # The server class of http.server looks its own name up, for CGI only: a
        # container without a name server would wait for that.
        socketserver.TCPServer.server_bind(self)

    def notes(self):
        """Returns what the data file holds. Raises OSError or ValueError."""
        return json.loads(pathlib.Path(self.settings["data"]).read_text(encoding="utf-8"))


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one connection."""

    timeout = 30  # seconds that a silent client may hold a thread

    def do_GET(self):  # the name is http.server's
        answer = {"/": self.home, "/version": self.version, "/health": self.health}.get(self.path)
        status, text = answer() if answer else (404, "not found")
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def home(self):
        settings = self.server.settings
        lines = [settings["greeting"], f"{settings['name']} {settings['version']}"]
        try:
            lines += [f"- {note}" for note in self.server.notes()]
        except (OSError, ValueError) as err:
            return 500, f"the data cannot be read: {err}"
        return 200, "\n".join(lines)

    def version(self):
        return 200, self.server.settings["version"]

    def health(self):
        try:
            self.server.notes()
        except (OSError, ValueError) as err:
            return 503, f"the data cannot be read: {err}"
        return 200, "ok"

    def log_message(self, format, *args):  # the name is http.server's
        self.server.access.info("%s " + format, self.address_string(), *args)


def read_settings(path):
    """Reads `name=value` lines."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def access_logger(path):
    """Logs to a file, and to a new one as soon as the old one is rotated away."""
    handler = logging.handlers.WatchedFileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("access")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return logger


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="file of `name=value` lines")
    settings = read_settings(parser.parse_args().config)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server(settings, access_logger(settings["access_log"])) as server:
        print(f"listening on {settings['address']}:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
