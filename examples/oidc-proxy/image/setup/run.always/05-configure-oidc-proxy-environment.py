#!/usr/bin/python3
"""Writes the configuration of oauth2-proxy from the environment.

It holds secrets: nobody else can read the file, and no value is printed.
"""

import base64
import binascii
import json
import os
import pathlib
import sys

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils  # noqa: E402 (it lies in the image, not on Python's path)

LOGGER = "configure-oidc-proxy-environment"
REQUIRED = ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ENCRYPTION_KEY", "OIDC_ISSUER_URL", "OIDC_REDIRECT_URL")


def is_key(text):
    """Reports whether oauth2-proxy can encrypt with it: an AES key, as it is or in base64."""
    try:
        decoded = base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        decoded = b""
    return {len(text.encode()), len(decoded)} & {16, 24, 32}


def problems():
    for name in REQUIRED:
        if not utils.get_env_variable(name):
            yield f"{name} is not set; FILE__{name} can name a file that holds it"
    key = utils.get_env_variable("OIDC_ENCRYPTION_KEY")
    if key and not is_key(key):
        yield "OIDC_ENCRYPTION_KEY: expected 16, 24 or 32 bytes, as they are or in base64"
    port = utils.get_env_variable("OIDC_PORT")
    if port and not port.isdecimal():
        yield f'OIDC_PORT="{port}": expected the number of a port'


def settings():
    redirect = utils.get_env_variable("OIDC_REDIRECT_URL")
    return {
        "provider": "oidc",
        "http_address": "0.0.0.0:" + (utils.get_env_variable("OIDC_PORT") or "4180"),
        "oidc_issuer_url": utils.get_env_variable("OIDC_ISSUER_URL"),
        "client_id": utils.get_env_variable("OIDC_CLIENT_ID"),
        "client_secret": utils.get_env_variable("OIDC_CLIENT_SECRET"),
        "cookie_secret": utils.get_env_variable("OIDC_ENCRYPTION_KEY"),
        "cookie_secure": redirect.startswith("https://"),
        "redirect_url": redirect,
        "email_domains": [utils.get_env_variable("OIDC_EMAIL_DOMAIN") or "*"],
        "upstreams": [utils.get_env_variable("OIDC_UPSTREAM_URL") or "http://127.0.0.1:8080/"],
    }


def main():
    found = list(problems())
    for problem in found:
        utils.write_log("ERROR", LOGGER, problem)
    if found:
        return 1
    directory = pathlib.Path(utils.get_env_variable("IMAGE_RUN_DIR"), "oidc-proxy")
    directory.mkdir(mode=0o700, exist_ok=True)
    # What JSON writes for a string, a list or a boolean is TOML as well.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in settings().items()]
    new = directory / "oauth2-proxy.cfg.new"
    new.touch(mode=0o600)
    new.write_text("".join(lines), "utf-8")
    new.rename(directory / "oauth2-proxy.cfg")
    utils.write_log("INFO", LOGGER, "wrote the configuration of oauth2-proxy")
    return 0


if __name__ == "__main__":
    sys.exit(main())
