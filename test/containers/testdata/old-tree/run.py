#!/usr/bin/python3
"""Prepares the container and stays its first process."""

import glob
import os
import subprocess
import sys

DEFAULTS = {
    "IMAGE_BASE_DIR": "/image",
    "IMAGE_CONFIG_DIR": "/image/config",
    "IMAGE_CRON_DIR": "/image/cron",
    "IMAGE_LOGGING_DIR": "/image/logging",
    "IMAGE_SUPERVISOR_DIR": "/image/supervisord",
    "PROCESS_PID_DIR": "/tmp",
    "PROCESS_STATE_DIR": "/tmp",
    "STORAGE_DATA_DIR": "/storage/data",
    "STORAGE_LOGS_DIR": "/storage/logs",
    "SUPERVISOR_LOGS_DIR": "/storage/logs/supervisor",
    "IMAGE_BACKUP_CRON": "2 1 * * *",
}


def main():
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    for directory in ("run.always", "run.once"):
        for step in sorted(glob.glob("/image/setup/" + directory + "/*.py")):
            result = subprocess.run([step], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            print(os.path.basename(step), result.stdout.decode(), flush=True)
            if result.returncode != 0:
                sys.exit(1)
    subprocess.run(["supervisord", "-n", "-c", "/image/supervisord/global.conf"], check=False)


main()
