#!/bin/sh
exec container-manager probe http "http://127.0.0.1:${OIDC_PORT:-4180}/ready"
