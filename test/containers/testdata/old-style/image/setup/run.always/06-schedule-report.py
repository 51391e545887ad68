#!/usr/bin/python3
import os

with open(os.path.join(os.environ["IMAGE_CRON_DIR"], "kubernetes"), "a") as crontab:
    crontab.write("*/10 * * * * echo report >>" + os.environ["STORAGE_LOGS_DIR"] + "/report.log 2>&1\n")
