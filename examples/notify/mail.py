#!/usr/bin/python3
"""Sends a mail with msmtp (apk add msmtp, apt-get install msmtp).

    MAIL_TO=admin@example.org
    MAIL_FROM=app@example.org

msmtp reads its server and password from /etc/msmtprc, or from the file that
MSMTP_CONFIG names.
"""

import email.message
import json
import os
import subprocess
import sys

event = json.load(sys.stdin)
labels = event["labels"]
app = labels.get("APP_NAME") or labels.get("IMAGE_NAME") or "container"
mail = email.message.EmailMessage()
mail["From"] = os.environ["MAIL_FROM"]
mail["To"] = os.environ["MAIL_TO"]
mail["Subject"] = f"{app}: {event['kind']}".replace("\n", " ")
lines = [event["what"], "", f"when: {event['when']}"]
lines += [f"{name}: {event[name]}" for name in ("program", "job", "repeated", "lost") if name in event]
lines += [f"{name}: {value}" for name, value in sorted(labels.items())]
mail.set_content("\n".join(lines) + "\n")
command = ["msmtp", "-t"]
if os.environ.get("MSMTP_CONFIG"):
    command[1:1] = ["-C", os.environ["MSMTP_CONFIG"]]
sys.exit(subprocess.run(command, input=mail.as_bytes()).returncode)
