#!/usr/bin/python3
import os

for name in ("STORAGE_DATA_DIR", "STORAGE_LOGS_DIR", "SUPERVISOR_LOGS_DIR"):
    os.makedirs(os.environ[name], exist_ok=True)
print("created directories;")
