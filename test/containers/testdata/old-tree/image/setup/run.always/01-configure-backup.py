#!/usr/bin/python3
"""Begins the crontab afresh."""
import os

directory = os.environ["IMAGE_CRON_DIR"]
crontab = os.path.join(directory, "kubernetes")
if os.path.exists(crontab):
    os.chmod(directory, 0o775)
    os.remove(crontab)
with open(crontab, "w") as file:
    file.write(os.environ["IMAGE_BACKUP_CRON"] + " /image/config/env; /image/backup/backup.py 2>&1 >" + os.environ["IMAGE_BACKUP_LOG"] + "\n")
print("scheduled the backup;")
