#!/bin/sh
# Tells whatever shoutrrr knows: Telegram, Matrix, Teams, Gotify and many more. The program
# is not in the image: https://github.com/nicholas-fedor/shoutrrr has releases.
#
#   SHOUTRRR_URL=telegram://TOKEN@telegram?chats=CHANNEL     better FILE__SHOUTRRR_URL
#
# shoutrrr takes the address from its environment, so no command line shows it.
set -eu
: "${SHOUTRRR_URL:?is not set}"
text=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["what"])')
exec shoutrrr send --message "$text"
