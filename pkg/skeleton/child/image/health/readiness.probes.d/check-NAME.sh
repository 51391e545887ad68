#!/bin/sh
# When this fails, the program @name@ is restarted.
exec container-manager probe http "http://127.0.0.1:$@NAME@_PORT/"
