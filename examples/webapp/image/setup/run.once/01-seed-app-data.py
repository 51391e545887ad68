#!/usr/bin/python3
"""Gives the app its first data. What is there already stays."""

import json
import os
import pathlib
import sys
import time

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils  # noqa: E402 (it lies in the image, not on Python's path)

LOGGER = "seed-app-data"


def main():
    directory = pathlib.Path(utils.get_env_variable("STORAGE_DATA_DIR"), "app")
    notes = directory / "notes.json"
    if notes.exists():
        utils.write_log("INFO", LOGGER, f"{notes} is there already")
        return
    directory.mkdir(parents=True, exist_ok=True)
    first = time.strftime("first started on %Y-%m-%d at %H:%M:%S")
    new = directory / "notes.json.new"
    new.write_text(json.dumps([first]), encoding="utf-8")
    new.rename(notes)
    utils.write_log("INFO", LOGGER, f"wrote {notes}")


if __name__ == "__main__":
    main()
