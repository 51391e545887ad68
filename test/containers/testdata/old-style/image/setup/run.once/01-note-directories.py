#!/usr/bin/python3
import os
import sys

import greeting

sys.path.append(os.environ["IMAGE_BASE_DIR"])
import utils

directory = os.path.join(os.environ["STORAGE_DATA_DIR"], "web")
os.makedirs(directory)
with open(os.path.join(directory, "index.html"), "w") as file:
    file.write(greeting.TEXT + "\n")
    file.writelines(utils.extract_dir_env_vars())
