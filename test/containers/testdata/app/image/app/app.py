#!/usr/bin/python3
"""A program that does to its container whatever it is asked to: app.py PORT."""

import http.server
import json
import os
import signal
import sys
import time

DATA = os.path.join(os.environ["STORAGE_DATA_DIR"], "app")


def note(what):
    with open(os.path.join(DATA, what), "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")


def fork_daemon():
    """Leaves a process in a session of its own, whose parent is process 1."""
    if os.fork():
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(3, 1000)  # the port, which the next app wants
    time.sleep(1000)


def fork_zombies():
    """Has children that end, and never asks for their status."""
    for _ in range(5):
        if not os.fork():
            os._exit(0)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = {
            "/": lambda: {"env": dict(os.environ), "uid": os.getuid(), "pid": os.getpid(), "zone": time.tzname[0]},
            "/daemon": fork_daemon,
            "/zombies": fork_zombies,
            "/hang": lambda: os.kill(os.getpid(), signal.SIGSTOP),
            "/crash": lambda: os.kill(os.getpid(), signal.SIGKILL),
            "/end": lambda: os._exit(7),
        }[self.path]()
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def end(*_):
    note("ends")
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
note("starts")
print("listening", flush=True)
server.serve_forever()
