#!/usr/bin/python3
import os

with open(os.path.join(os.environ["IMAGE_CONFIG_DIR"], "env"), "w") as file:
    for name, value in os.environ.items():
        file.write('export ' + name + '="' + value + '"\n')
print("saved the environment;")
