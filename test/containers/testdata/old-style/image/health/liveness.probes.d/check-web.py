#!/usr/bin/python3
import os
import sys

import requests

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils

try:
    requests.get("http://127.0.0.1:" + utils.get_env_variable("WEB_PORT"), timeout=5).raise_for_status()
except requests.RequestException as error:
    utils.write_log("ERROR", "check-web", f"{error};")
    utils.restart_process("web")
    sys.exit(1)
utils.write_log("INFO", "check-web", "web answers;")
