#!/usr/bin/python3
"""Tells a channel of Slack, or of what understands its webhooks (Mattermost, Rocket.Chat).

    SLACK_WEBHOOK_URL=https://hooks.slack.com/services/...    better FILE__SLACK_WEBHOOK_URL
"""

import json
import os
import sys
import urllib.error
import urllib.request

event = json.load(sys.stdin)
app = event["labels"].get("APP_NAME") or event["labels"].get("IMAGE_NAME") or "container"
text = f"{app}: {event['what']}"
if event.get("repeated"):
    text += f" (and {event['repeated']} times before)"
for char, entity in ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"):
    text = text.replace(char, entity)
request = urllib.request.Request(
    os.environ["SLACK_WEBHOOK_URL"],
    data=json.dumps({"text": text}).encode(),
    headers={"Content-Type": "application/json"},
)
try:
    urllib.request.urlopen(request, timeout=20).close()
except urllib.error.URLError as error:
    sys.exit(f"Slack has not taken it: {getattr(error, 'reason', error)}")
