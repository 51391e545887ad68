#!/bin/sh
exec container-manager probe http --body mongodb_up "http://127.0.0.1:${EXPORTER_PORT:-9216}/metrics"
