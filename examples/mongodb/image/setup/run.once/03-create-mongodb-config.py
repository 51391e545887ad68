#!/usr/bin/python3
"""Writes the configuration of MongoDB to the volume. What is there stays."""

import json
import os
import pathlib
import sys

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils  # noqa: E402 (it lies in the image, not on Python's path)

LOGGER = "create-mongodb-config"
CONFIG = """\
storage:
  dbPath: {directory}
net:
  bindIp: 0.0.0.0
security:
  authorization: enabled
"""


def main():
    target = pathlib.Path(utils.get_env_variable("STORAGE_CONF_DIR"), "mongod.conf")
    if target.exists():
        utils.write_log("INFO", LOGGER, f"{target} is there already")
        return
    directory = os.path.join(utils.get_env_variable("STORAGE_DATA_DIR"), "mongodb")
    new = target.with_name(target.name + ".new")
    new.write_text(CONFIG.format(directory=json.dumps(directory)), "utf-8")
    new.rename(target)
    utils.write_log("INFO", LOGGER, f"wrote {target}")


if __name__ == "__main__":
    main()
