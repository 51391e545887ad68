#!/bin/sh
exec "$IMAGE_APP_DIR/postgresql.sh" pg_isready
