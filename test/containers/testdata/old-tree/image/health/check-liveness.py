#!/usr/bin/python3
import glob
import subprocess

for probe in sorted(glob.glob("/image/health/liveness.probes.d/*.py")):
    subprocess.run([probe], check=False)
print("old liveness check;")
