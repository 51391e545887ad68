#!/usr/bin/python3
"""Tells a topic of ntfy (https://ntfy.sh, or a server of your own).

    NTFY_URL=https://ntfy.sh/a-name-that-nobody-guesses
    NTFY_TOKEN=tk_...     where the topic wants one; better FILE__NTFY_TOKEN
"""

import json
import os
import sys
import urllib.error
import urllib.request

event = json.load(sys.stdin)
app = event["labels"].get("APP_NAME") or event["labels"].get("IMAGE_NAME") or "container"
text = event["what"]
if event.get("repeated"):
    text += f" (and {event['repeated']} times before)"
# A header has ASCII characters only, and no line ends.
title = " ".join(f"{app}: {event['kind']}".split()).encode("ascii", "replace").decode()
headers = {"Title": title}
if os.environ.get("NTFY_TOKEN"):
    headers["Authorization"] = "Bearer " + os.environ["NTFY_TOKEN"]
request = urllib.request.Request(os.environ["NTFY_URL"], data=text.encode(), headers=headers)
try:
    urllib.request.urlopen(request, timeout=20).close()
except urllib.error.URLError as error:
    sys.exit(f"ntfy has not taken it: {getattr(error, 'reason', error)}")
