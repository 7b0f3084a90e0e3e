"""A command that somebody stops with Ctrl-C."""

import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# In the middle of an import Python may end by the signal after we have spoken: 130 to a shell as well.
INTERRUPTED = {130, -signal.SIGINT}


def interrupted(after_s: float, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `concierge` with these arguments, stopped after so long."""
    process = subprocess.Popen(
        [sys.executable, "-m", "concierge", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, err
