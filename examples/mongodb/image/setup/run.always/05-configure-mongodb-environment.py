#!/usr/bin/python3
"""Checks the variables, and writes the addresses that hold passwords.

Only their user can read the files, and no value is printed.
"""

import os
import pathlib
import sys
import urllib.parse

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils  # noqa: E402 (it lies in the image, not on Python's path)

LOGGER = "configure-mongodb-environment"
PASSWORDS = ("MONGODB_ROOT_PASSWORD", "MONGODB_EXPORTER_PASSWORD")
PORTS = ("MONGODB_PORT", "EXPORTER_PORT")


def problems():
    for name in PASSWORDS:
        if not utils.get_env_variable(name):
            yield f"{name} is not set; FILE__{name} can name a file that holds it"
    for name in PORTS:
        value = utils.get_env_variable(name)
        if value and not value.isdecimal():
            yield f'{name}="{value}": expected the number of a port'


def address(user, password_name):
    password = urllib.parse.quote(utils.get_env_variable(password_name), safe="")
    port = utils.get_env_variable("MONGODB_PORT") or "27017"
    return f"mongodb://{user}:{password}@127.0.0.1:{port}/?authSource=admin"


def write_private(path, text):
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    new.write_text(text, "utf-8")
    new.rename(path)


def main():
    found = list(problems())
    for problem in found:
        utils.write_log("ERROR", LOGGER, problem)
    if found:
        return 1
    directory = pathlib.Path(utils.get_env_variable("IMAGE_RUN_DIR"), "mongodb")
    directory.mkdir(mode=0o700, exist_ok=True)
    write_private(directory / "tools.yml", f'uri: "{address("root", "MONGODB_ROOT_PASSWORD")}"\n')
    write_private(directory / "exporter.uri", address("exporter", "MONGODB_EXPORTER_PASSWORD"))
    utils.write_log("INFO", LOGGER, f"wrote the addresses to {directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
