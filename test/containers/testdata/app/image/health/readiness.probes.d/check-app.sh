#!/bin/sh
exec container-manager probe http --timeout 1s "http://127.0.0.1:$APP_PORT/"
