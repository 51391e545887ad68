#!/usr/bin/python3
print("old backup;")
