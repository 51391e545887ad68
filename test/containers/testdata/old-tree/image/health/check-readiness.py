#!/usr/bin/python3
import glob
import subprocess

for probe in sorted(glob.glob("/image/health/readiness.probes.d/*.py")):
    subprocess.run([probe], check=False)
print("old readiness check;")
