"""What one process of a test run makes, all of them read: pytest's workers share a folder."""

import fcntl
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def folder_of(run: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder that every worker of this run has."""
    own = run.getbasetemp()
    return own if worker_id == "master" else own.parent


def once(folder: Path, name: str, make: Callable[[], T]) -> T:
    """Made by whoever asks first; the others wait for it."""
    kept = folder / f"{name}.pickle"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(make()))
        found: T = pickle.loads(kept.read_bytes())
    return found
