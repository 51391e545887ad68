#!/usr/bin/python3
"""Restarts MongoDB when it does not run: a probe that does so by itself."""

import os
import sys

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils  # noqa: E402 (it lies in the image, not on Python's path)

LOGGER = "check-mongodb"

if not utils.is_supervisor_process_running("mongodb"):
    utils.write_log("WARNING", LOGGER, "mongodb does not run;")
    utils.restart_process("mongodb")
    sys.exit(1)
utils.write_log("INFO", LOGGER, "mongodb runs;")
