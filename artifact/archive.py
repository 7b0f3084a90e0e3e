"""The same bytes from the same files: entries in order, one date, one mode, nothing of this machine.

Not compressed: the bytes of a compressor change with its version, and the artifact would have another digest
on another machine.
"""

import io
import tarfile
import zipfile
from collections.abc import Iterable

from artifact.tree import Tree

# The first moment a zip can tell.
_WHEN = (1980, 1, 1, 0, 0, 0)
_FILE, _FOLDER = 0o644, 0o755
_UNIX = 3


def zipped(tree: Tree) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for path, content in tree.items():
            entry = zipfile.ZipInfo(path, _WHEN)
            entry.create_system = _UNIX
            entry.external_attr = (0o100000 | _FILE) << 16
            archive.writestr(entry, content)
    return written.getvalue()


def tarred(tree: Tree, below: str) -> bytes:
    """The files under a folder, with the folders on the way, owned by root."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for folder in _folders(f"{below}/{path}" for path in tree):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, _FOLDER
            archive.addfile(entry)
        for path, content in tree.items():
            entry = tarfile.TarInfo(f"{below}/{path}")
            entry.size, entry.mode = len(content), _FILE
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def _folders(paths: Iterable[str]) -> list[str]:
    found = set()
    for path in paths:
        parts = path.split("/")[:-1]
        found |= {"/".join(parts[: depth + 1]) for depth in range(len(parts))}
    return sorted(found)
