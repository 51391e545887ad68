#!/usr/bin/container-manager script
import os, sys; __name__ == "__main__" and os.execvp("container-manager", ["container-manager", "script"] + sys.argv)
