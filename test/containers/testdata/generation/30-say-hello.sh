#!/bin/sh
echo "hello from a grandchild"
