"""A file written whole or not at all: whoever looks finds the old content or the new, never a half."""

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_NEW_MODE = 0o644  # less what the umask takes away


def write_atomic(path: Path, data: bytes) -> None:
    """Writes beside the file, then moves it there. An OSError means that nothing has changed.

    A symlink stays one and its target is written; a file that is there keeps its mode. Devices, pipes and
    folders are refused: moving a file onto one would destroy it.
    """
    mode = _mode_of(path)
    target = Path(os.path.realpath(path))
    # A short name of its own: one made from the target's could be too long where the target's is not.
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _NEW_MODE if mode is None else mode)
    try:
        with os.fdopen(handle, "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)  # what the umask took away
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a crash may leave the new name on an empty file
        part.replace(target)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what the caller must hear
            part.unlink()
        raise


def _mode_of(path: Path) -> int | None:
    """The mode of the file that is there, None if there is none."""
    try:
        found = path.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found):
        raise OSError(errno.EINVAL, "there is something that is not a regular file", str(path))
    return stat.S_IMODE(found)
