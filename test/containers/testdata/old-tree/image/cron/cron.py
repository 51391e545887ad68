#!/usr/bin/python3
import argparse
import time

parser = argparse.ArgumentParser()
parser.add_argument("-c", "--crontab", action="append", required=True)
parser.add_argument("-L", "--logfile")
arguments = parser.parse_args()
with open(arguments.logfile, "a") as log:
    for crontab in arguments.crontab:
        with open(crontab) as file:
            log.write("old cron has " + str(len(file.readlines())) + " lines\n")
while True:
    time.sleep(60)
