"""The plan of a stack, kept between runs for as long as nothing it is made from has changed.

A plan takes seconds, stand-ins are ready sooner. What it is made from: our sources and data, the project's
and the stack's file, the locked versions of what is imported, Python's own, and the day: models end on one.
"""

import hashlib
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from plan.files import write_atomic
from plan.model import Plan
from stacks import stackfile

_HERE = Path(__file__).resolve().parents[1]
_ROOMS = ("stacks", "components", "contract", "plan")


def kept(stack: str, folder: Path) -> Plan:
    """The stack's plan; made anew when its sources are others than last time."""
    found = stackfile.read(stack)
    file = folder / f"plan-{stack}-{_digest(found.path)}.pickle"
    with suppress(OSError, pickle.UnpicklingError, EOFError, AttributeError):
        found_plan: Plan = pickle.loads(file.read_bytes())  # noqa: S301 - our own file, in our own folder
        return found_plan
    from plan import run  # and with it Pulumi: only where it is needed

    planned = run(stack)
    with suppress(OSError):  # where nothing can be written, it is made anew each time
        for old in folder.glob(f"plan-{stack}-*.pickle"):
            old.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(file, pickle.dumps(planned))
    return planned


def _digest(stack_file: Path) -> str:
    digest = hashlib.sha256(f"{sys.version} {datetime.now(UTC).date()}".encode())
    project = stack_file.with_name("Pulumi.yaml")
    for path in (project, stack_file, _HERE / "requirements" / "all.txt", *sorted(_sources())):
        digest.update(f"{path}\0".encode())
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for room in _ROOMS:
        found = (_HERE / room).rglob("*")
        yield from (path for path in found if path.is_file() and "__pycache__" not in path.parts)
