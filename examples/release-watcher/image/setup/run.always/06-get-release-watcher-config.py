#!/usr/bin/python3
"""Gets the configuration: the image's own, or that of RELEASE_WATCHER_CONFIG_URL.

Variables in the URLs of feeds are replaced, and what the environment says wins.
"""

import json
import os
import pathlib
import sys
import urllib.parse
import urllib.request

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils  # noqa: E402 (it lies in the image, not on Python's path)

LOGGER = "get-release-watcher-config"


def fetch():
    """Returns the configuration and where it came from. Raises OSError or ValueError."""
    url = utils.get_env_variable("RELEASE_WATCHER_CONFIG_URL")
    if not url:
        path = pathlib.Path(utils.get_env_variable("IMAGE_CONFIG_DIR"), "release-watcher.json")
        return json.loads(path.read_text("utf-8")), path
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.loads(response.read()), "RELEASE_WATCHER_CONFIG_URL"


def check_feed(number, url):
    """Refuses what the watcher cannot poll, or would log a password of."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("file", "http", "https") or "@" in parts.netloc:
        raise ValueError(f"feed {number}: expected a file, http or https URL without a password")


def complete(config):
    """Returns the configuration with the environment's values in it."""
    feed = utils.get_env_variable("RELEASE_WATCHER_FEED_URL")
    interval = utils.get_env_variable("RELEASE_WATCHER_INTERVAL")
    feeds = [os.path.expandvars(url) for url in ([feed] if feed else config["feeds"])]
    for number, url in enumerate(feeds, 1):
        check_feed(number, url)
    return {
        "feeds": feeds,
        "interval": int(interval or config["interval"]),
        "seen": os.path.expandvars("$STORAGE_DATA_DIR/release-watcher/seen.json"),
        "heartbeat": os.path.expandvars("$IMAGE_RUN_DIR/release-watcher/alive"),
    }


def main():
    try:
        config, source = fetch()
        text = json.dumps(complete(config), indent=1)
    except (OSError, KeyError, TypeError, ValueError) as err:
        utils.write_log("ERROR", LOGGER, f"there is no usable configuration: {type(err).__name__}: {err}")
        return 1
    target = pathlib.Path(utils.get_env_variable("IMAGE_RUN_DIR"), "release-watcher", "config.json")
    target.parent.mkdir(exist_ok=True)
    new = target.with_suffix(".new")
    new.touch(mode=0o600)  # the URL of a feed may hold a token
    new.write_text(text, "utf-8")
    new.rename(target)
    utils.write_log("INFO", LOGGER, f"took the configuration from {source}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
