"""Runs a command that must not outlive the process that asked for it, whatever kills that one.

`python -m rehearsal.child --parent PID -- COMMAND...`. On Linux the kernel is asked to kill this process with
its parent, then it becomes the command. Elsewhere, or with `--watch`, it stays, starts the command, and looks
every moment whether the parent is still there. Imports nothing of ours, so that it starts at once.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_S = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs a command that ends with its parent.")
    parser.add_argument("--parent", type=int, required=True, help="process id the command must not outlive")
    parser.add_argument("--watch", action="store_true", help="stay and watch, also where the kernel could")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    try:
        if options.watch or sys.platform != "linux":
            sys.exit(_watch(options.parent, options.command))
        _die_with(options.parent)
        os.execvp(options.command[0], options.command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"cannot run {options.command[0]}: {error.strerror}")


def _die_with(parent: int) -> None:
    """The kernel ends us with the parent's *thread* that started us: children are started on the main one."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")
    if os.getppid() != parent:  # it was gone before we asked
        sys.exit("the parent is gone")


def _watch(parent: int, command: Sequence[str]) -> int:
    """Exit code of the command; passes signals on, and kills the whole group when the parent is gone."""
    with subprocess.Popen(command) as child:

        def pass_on(number: int, _: FrameType | None) -> None:
            child.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, pass_on)
        while True:
            try:
                return _like(child.wait(_LOOK_EVERY_S))
            except subprocess.TimeoutExpired:
                if os.getppid() != parent:
                    _kill_all(child)


def _like(code: int) -> int:
    """Ends as the command did: killed by the same signal, or with its exit code."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _kill_all(child: subprocess.Popen[bytes]) -> None:
    """Everything in our group, us included; only the child where the group is somebody else's."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    child.kill()


if __name__ == "__main__":
    main()
