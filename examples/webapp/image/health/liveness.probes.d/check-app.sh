#!/bin/sh
exec container-manager probe process app
