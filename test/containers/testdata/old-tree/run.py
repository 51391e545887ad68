#!/usr/bin/python3
"""Prepares the container and stays its first process."""

import glob
import os
import subprocess
import sys


def lock_down(base):
    for root, _, files in os.walk(base):
        for path in [root] + [os.path.join(root, name) for name in files]:
            os.chmod(path, 0o555)


def main():
    for directory in ("RUNALWAYS", "RUNONCE"):
        for step in sorted(glob.glob(os.environ["IMAGE_SETUP_" + directory + "_DIR"] + "/*.py")):
            result = subprocess.run([step], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            print(os.path.basename(step), result.stdout.decode(), flush=True)
            if result.returncode != 0:
                sys.exit(1)
    lock_down(os.environ["IMAGE_BASE_DIR"])
    subprocess.run(["supervisord", "-n", "-c", "/image/supervisord/global.conf"], check=False)


main()
