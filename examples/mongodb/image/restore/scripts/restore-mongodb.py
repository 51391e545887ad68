#!/usr/bin/python3
"""Puts a dump of MongoDB back: restore-mongodb.py -i DIRECTORY.

On the first start no server runs yet: then there is one for as long as it takes.
"""

import argparse
import os
import pathlib
import subprocess
import sys

sys.path += [os.environ["IMAGE_BASE_DIR"], os.environ["IMAGE_APP_DIR"]]
import mongodb  # noqa: E402 (both lie in the image, not on Python's path)
import utils  # noqa: E402

LOGGER = "restore-mongodb"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-i", dest="directory", required=True, help="the unpacked backup")
    dump = pathlib.Path(parser.parse_args().directory, "mongodb", "dump.gz")
    if not dump.exists():
        utils.write_log("WARNING", LOGGER, "the backup holds no dump of MongoDB")
        return 0
    command = ["mongorestore", "--config", mongodb.tools_config(), f"--archive={dump}", "--gzip", "--drop"]
    try:
        with mongodb.server():
            subprocess.run(command, check=True)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as err:
        utils.write_log("ERROR", LOGGER, str(err))
        return 1
    utils.write_log("INFO", LOGGER, "restored the dump")
    return 0


if __name__ == "__main__":
    sys.exit(main())
