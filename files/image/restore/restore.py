#!/usr/bin/container-manager script
import os, subprocess, sys; restore_data = lambda file: subprocess.check_call([__file__, file]); __name__ == "__main__" and os.execvp("container-manager", ["container-manager", "script"] + sys.argv)
