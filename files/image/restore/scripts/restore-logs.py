#!/usr/bin/container-manager script
