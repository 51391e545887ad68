#!/usr/bin/python3
"""Keeps a diary: a row in a database every second, and a file every minute."""
import os
import signal
import sqlite3
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
data = os.environ["STORAGE_DATA_DIR"]
os.makedirs(os.path.join(data, "files"), exist_ok=True)
db = sqlite3.connect(os.path.join(data, "diary.db"))
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE IF NOT EXISTS diary (at REAL, text TEXT)")
while True:
    now = time.time()
    with db:
        db.execute("INSERT INTO diary VALUES (?, ?)", (now, "all is well"))
    name = time.strftime("%Y-%m-%d_%H%M.txt", time.gmtime(now))
    with open(os.path.join(data, "files", name), "a") as page:
        page.write("all is well\n")
    time.sleep(1)
