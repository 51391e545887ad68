#!/usr/bin/python3
import argparse
import time

from crontab import CronTab

parser = argparse.ArgumentParser()
parser.add_argument("-c", "--crontab", required=True)
parser.add_argument("-L", "--logfile")
arguments = parser.parse_args()
jobs = 0
with open(arguments.crontab) as file:
    for line in file:
        if line.strip() and not line.startswith("#"):
            CronTab(" ".join(line.split()[:5])).next(default_utc=True)
            jobs += 1
with open(arguments.logfile, "a") as log:
    log.write("old cron has " + str(jobs) + " jobs\n")
while True:
    time.sleep(60)
