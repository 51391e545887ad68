#!/usr/bin/python3
"""Polls Atom feeds of releases and logs each release once."""

import argparse
import http.client
import json
import pathlib
import signal
import sys
import threading
import time
import urllib.request
import xml.etree.ElementTree

ATOM = "{http://www.w3.org/2005/Atom}"
MAX_FEED = 8 << 20  # bytes; bounds what a broken server can send
HEARTBEAT = 60  # seconds between signs of life while there is nothing to do


def log(message):
    print(time.strftime("%Y-%m-%d %H:%M:%S"), message, flush=True)


def releases(url):
    """Yields (id, title, link) of a feed, oldest first.

    Raises OSError when the feed cannot be read and ParseError when it is none.
    """
    with urllib.request.urlopen(url, timeout=30) as response:
        feed = xml.etree.ElementTree.fromstring(response.read(MAX_FEED))
    for entry in reversed(feed.findall(ATOM + "entry")):
        link = entry.find(ATOM + "link")
        title = " ".join(entry.findtext(ATOM + "title", "").split())
        href = "" if link is None else link.get("href", "")
        yield entry.findtext(ATOM + "id", href), title, href


class Seen:
    """The releases that were logged, kept in a file: id to title."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.titles = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.titles, indent=1), "utf-8")
        new.rename(self.path)


def poll(feeds, seen):
    for url in feeds:
        try:
            for release, title, link in releases(url):
                if release not in seen.titles:
                    log(f"new release: {title} {link}")
                    seen.titles[release] = title
        except (OSError, ValueError, http.client.HTTPException, xml.etree.ElementTree.ParseError) as err:
            log(f"{url} cannot be read: {err}")
    seen.save()


def watch(config, seen):
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    heartbeat = pathlib.Path(config["heartbeat"])
    due = time.monotonic()
    while not stop.is_set():
        if time.monotonic() >= due:
            poll(config["feeds"], seen)
            due = time.monotonic() + config["interval"]
        heartbeat.touch()
        stop.wait(min(HEARTBEAT, max(0, due - time.monotonic())))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON file: feeds, interval in seconds, seen, heartbeat")
    parser.add_argument("--summary", action="store_true", help="log how many releases are known, and end")
    arguments = parser.parse_args()
    config = json.loads(pathlib.Path(arguments.config).read_text("utf-8"))
    seen = Seen(config["seen"])
    if arguments.summary:
        newest = list(seen.titles.values())[-1:] or ["none"]
        log(f"{len(seen.titles)} releases are known, the newest is {newest[0]}")
        return
    watch(config, seen)


if __name__ == "__main__":
    sys.exit(main())
