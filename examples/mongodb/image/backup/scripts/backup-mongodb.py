#!/usr/bin/python3
"""Stages a dump of MongoDB: backup-mongodb.py -i DIRECTORY."""

import argparse
import os
import pathlib
import subprocess
import sys

sys.path += [os.environ["IMAGE_BASE_DIR"], os.environ["IMAGE_APP_DIR"]]
import mongodb  # noqa: E402 (both lie in the image, not on Python's path)
import utils  # noqa: E402

LOGGER = "backup-mongodb"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-i", dest="directory", required=True, help="the staging directory")
    target = pathlib.Path(parser.parse_args().directory, "mongodb")
    target.mkdir()
    command = ["mongodump", "--config", mongodb.tools_config(), f"--archive={target}/dump.gz", "--gzip"]
    try:
        with mongodb.server():
            subprocess.run(command, check=True)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as err:
        utils.write_log("ERROR", LOGGER, str(err))
        return 1
    utils.write_log("INFO", LOGGER, "staged a dump")
    return 0


if __name__ == "__main__":
    sys.exit(main())
