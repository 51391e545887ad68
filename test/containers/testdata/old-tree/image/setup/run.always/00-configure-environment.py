#!/usr/bin/python3
"""Saves the environment, the first time without looking at a former one."""
import os
import subprocess
import sys

saved = os.path.join(os.environ["IMAGE_CONFIG_DIR"], "env")
if os.path.exists(saved):
    # Removes what a process that it does not wait for is about to write.
    subprocess.Popen("sleep 1; env >" + saved + ".new", shell=True)
    os.remove(saved + ".new")
with open(saved, "w") as file:
    for name, value in os.environ.items():
        file.write(name + '="' + value + '"\n')
sys.stdout.write("saved the environment;")
