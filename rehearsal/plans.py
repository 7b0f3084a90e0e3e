"""The plan of a stack, kept between runs for as long as nothing it is made from has changed.

A plan takes seconds, stand-ins are ready sooner. What it is made from: our sources and data, the stack's
file, the locked versions of what is imported, and Python's own.
"""

import hashlib
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from plan.files import write_atomic
from plan.model import Plan
from stacks import stackfile

_ROOMS = ("stacks", "components", "contract", "plan")
_KINDS = {".py", ".toml", ".yaml", ".json", ".sh", ".html"}


def kept(stack: str, folder: Path) -> Plan:
    """The stack's plan; made anew when its sources are others than last time."""
    found = stackfile.read(stack)
    file = folder / f"plan-{stack}-{_digest(found.path)}.pickle"
    with suppress(OSError, pickle.UnpicklingError, EOFError, AttributeError):
        found_plan: Plan = pickle.loads(file.read_bytes())  # noqa: S301 - our own file, in our own folder
        return found_plan
    from plan import run  # and with it Pulumi: only where it is needed

    planned = run(stack)
    for old in folder.glob(f"plan-{stack}-*.pickle"):
        old.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(file, pickle.dumps(planned))
    return planned


def _digest(stack_file: Path) -> str:
    digest = hashlib.sha256(sys.version.encode())
    root = stackfile.root_of()
    for path in (stack_file, root / "requirements" / "all.txt", *sorted(_sources(root))):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()[:16]


def _sources(root: Path) -> Iterator[Path]:
    for room in _ROOMS:
        yield from (path for path in (root / room).rglob("*") if path.suffix in _KINDS)
