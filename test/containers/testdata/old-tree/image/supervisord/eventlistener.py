#!/usr/bin/python3
import os
import sys


def fields(line):
    return dict(pair.split(":", 1) for pair in line.split())


while True:
    print("READY", flush=True)
    header = fields(sys.stdin.readline())
    payload = fields(sys.stdin.read(int(header["len"])).splitlines()[0])
    base = "supervisor." + payload["processname"]
    with open(os.path.join(sys.argv[1], base + ".pid"), "w") as file:
        file.write(payload.get("pid", "-1"))
    with open(os.path.join(sys.argv[2], base + ".state"), "w") as file:
        file.write(header["eventname"].replace("PROCESS_STATE_", ""))
    sys.stdout.write("RESULT 2\nOK")
    sys.stdout.flush()
