#!/usr/bin/python3
import os

with open(os.path.join(os.environ["IMAGE_CRON_DIR"], "kubernetes"), "a") as crontab:
    crontab.write("32 4 * * * true\n")
print("scheduled a job;")
