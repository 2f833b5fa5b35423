#!/usr/bin/env python3
# Runs a command and succeeds iff it ends with the given exit code:
#   expect-exit.py CODE COMMAND ARGUMENT...
import subprocess
import sys

code = subprocess.call(sys.argv[2:])
if code != int(sys.argv[1]):
    sys.exit(f"expected exit code {sys.argv[1]}, got {code}: {sys.argv[2:]}")
