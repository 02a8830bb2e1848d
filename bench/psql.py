"""psql as the benchmarks that fill a database of the user's own call it."""

import subprocess
import sys


def run(psql, sql):
    """The output of a script; the first error ends the program."""
    command = psql.split() + ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(command, input=sql, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.strip()
