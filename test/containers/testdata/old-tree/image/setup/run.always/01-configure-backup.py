#!/usr/bin/python3
import os

with open(os.path.join(os.environ["IMAGE_CRON_DIR"], "kubernetes"), "w") as crontab:
    crontab.write(os.environ["IMAGE_BACKUP_CRON"] + " /image/backup/backup.py 2>&1 >>" + os.environ["STORAGE_LOGS_DIR"] + "/backup.log\n")
print("scheduled the backup;")
