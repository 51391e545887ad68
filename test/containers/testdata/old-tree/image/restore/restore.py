#!/usr/bin/python3
print("old restore;")
