#!/usr/bin/python3
"""Creates the directory of the database."""

import os
import pathlib
import sys

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils  # noqa: E402 (it lies in the image, not on Python's path)

directory = pathlib.Path(utils.get_env_variable("STORAGE_DATA_DIR"), "mongodb")
directory.mkdir(parents=True, exist_ok=True)
utils.write_log("INFO", "create-custom-dirs", f"{directory} is there")
