#!/usr/bin/python3
"""Checks the variables of the release watcher, all at once."""

import os
import sys

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils  # noqa: E402 (it lies in the image, not on Python's path)

LOGGER = "configure-release-watcher-environment"
SCHEMES = ("file://", "http://", "https://")


def problems():
    interval = utils.get_env_variable("RELEASE_WATCHER_INTERVAL")
    if interval and not (interval.isdecimal() and int(interval) > 0):
        yield f'RELEASE_WATCHER_INTERVAL="{interval}": expected a number of seconds above 0'
    for name in ("RELEASE_WATCHER_CONFIG_URL", "RELEASE_WATCHER_FEED_URL"):
        url = utils.get_env_variable(name)
        if url and not url.startswith(SCHEMES):
            yield f"{name}: expected a URL that begins with {', '.join(SCHEMES)}"


def main():
    found = list(problems())
    for problem in found:
        utils.write_log("ERROR", LOGGER, problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
