#!/bin/sh
# Serves the rendered page. Replace this by your own program, or name that in
# supervisord/conf.d/@name@.conf. It stays in the foreground: exec, and no & at the end.
set -eu
exec python3 -u -m http.server "$@NAME@_PORT" --directory "$IMAGE_TEMPLATES_TARGET/@name@"
