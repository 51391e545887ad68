#!/usr/bin/python3
"""Edits a template in place."""
import os
import subprocess

directory = os.environ["IMAGE_LOGGING_DIR"]
os.chmod(directory, 0o755)
subprocess.run(["sed", "-i", "s/@LEVEL@/warning/", os.path.join(directory, "filebeat-global.yml")], check=True)
print("edited the template;")
