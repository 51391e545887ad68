#!/usr/bin/python3
"""Creates accounts and collections: runs the two files that lie beside it."""

import os
import pathlib
import subprocess
import sys

sys.path += [os.environ["IMAGE_BASE_DIR"], os.environ["IMAGE_APP_DIR"]]
import mongodb  # noqa: E402 (both lie in the image, not on Python's path)
import utils  # noqa: E402

LOGGER = "create-accounts"


def main():
    here = pathlib.Path(__file__).parent
    try:
        with mongodb.server():
            for name in ("accounts.js", "schema.js"):
                mongodb.run_file(here / name)
                utils.write_log("INFO", LOGGER, f"ran {name}")
    except (OSError, RuntimeError, subprocess.CalledProcessError) as err:
        utils.write_log("ERROR", LOGGER, str(err))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
