#!/usr/bin/python3
"""Keeps everybody else out of the database's files."""

import os
import sys

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils  # noqa: E402 (it lies in the image, not on Python's path)

directory = os.path.join(utils.get_env_variable("STORAGE_DATA_DIR"), "mongodb")
utils.set_permissions_recursive(directory, 0o700)
utils.write_log("INFO", "set-permissions", f"{directory} is its user's alone")
