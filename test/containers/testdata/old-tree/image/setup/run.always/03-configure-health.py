#!/usr/bin/python3
import os

with open(os.path.join(os.environ["IMAGE_CRON_DIR"], "kubernetes"), "a") as crontab:
    crontab.write("*/5 * * * * /image/health/check-readiness.py\n")
print("scheduled a job;")
