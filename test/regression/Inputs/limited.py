"""Runs a command with 6 GB of address space and checks its exit code.

usage: limited.py CODE COMMAND...
"""

import resource
import subprocess
import sys

resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
code = subprocess.run(sys.argv[2:]).returncode
sys.exit(0 if code == int(sys.argv[1]) else f"exit code {code}")
