"""The second run of a stack's program, in a process of its own beside the first.

Another process has another hash seed, other ids and another start, so what depends on them differs between
the two runs and is found. Reads a request as JSON on stdin, writes the plan, pickled, on stdout.
"""

import gc
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from plan.model import Plan


class Again:
    """Starts the second run at once; `plan` waits for it. Leaving early ends it."""

    def __init__(self, stack: str, root: Path | None, changes: Mapping[str, str]) -> None:
        request = {"stack": stack, "root": str(root) if root else None, "changes": dict(changes)}
        self._popen = subprocess.Popen(
            [sys.executable, "-c", "from plan.again import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": _another_seed(os.environ.get("PYTHONHASHSEED"))},
        )
        assert self._popen.stdin is not None  # noqa: S101 - PIPE was asked for
        self._popen.stdin.write(json.dumps(request).encode())
        self._popen.stdin.close()
        self._popen.stdin = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.communicate()

    def plan(self) -> Plan | str:
        """What the second run declared, or why it failed."""
        out, err = self._popen.communicate()
        if self._popen.returncode:
            return err.decode(errors="replace").strip().rpartition("\n")[2] or "it ended without a word"
        answer: Plan = pickle.loads(out)  # noqa: S301 - written by this very module
        return answer


def _another_seed(ours: str | None) -> str:
    return "2" if ours == "1" else "1"


def main() -> None:
    from plan import PlanError, once
    from stacks.stackfile import SettingsError

    gc.disable()  # one plan and the process is over: nothing to collect that its end does not
    request = json.load(sys.stdin)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    root = Path(request["root"]) if request["root"] else None
    try:
        found = once(request["stack"], root, request["changes"])
    except (PlanError, SettingsError) as failed:
        sys.exit(str(failed))
    with answers:
        pickle.dump(found, answers)
    os._exit(0)  # the other run waits for this end; taking every object apart would only delay it
