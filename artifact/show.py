"""How an artifact looks to a person, and in JSON."""

from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from artifact.build import Artifact

_MB = 1024 * 1024
# How to hand it over, and which key of the stack's file pins it.
_NEXT = {
    "agentcore": "aws s3api put-object --bucket AGENT-BUCKET --key code/{number}.zip --body {path}, then "
    "agent.code: {{digest: {digest}, version: the VersionId it prints, python: '{python}'}}",
    "image": "skopeo copy oci:{path} docker://REPOSITORY, then agent.image_digest: {digest}",
    "folder": "copy {path} to /app of an ARM64 image with Python {python}",
}


def as_json(made: Artifact) -> dict[str, Any]:
    return {
        "target": made.target,
        "path": str(made.path),
        "digest": made.digest,
        "bytes": made.bytes,
        "unpacked_bytes": made.unpacked_bytes,
        "python": made.python,
        "packages": [
            {"name": p.name, "version": p.version, "licence": p.licence, "bytes": p.bytes, "files": p.files}
            for p in made.parts
        ],
        "beside": [str(path) for path in made.beside],
    }


def render(made: Artifact) -> Group:
    path = _near(made.path)
    table = Table(box=None, pad_edge=False)
    table.add_column("package")
    table.add_column("version")
    table.add_column("MB", justify="right")
    table.add_column("files", justify="right")
    table.add_column("licence")
    for part in made.parts:
        table.add_row(part.name, part.version, f"{part.bytes / _MB:.2f}", str(part.files), part.licence)
    after = _NEXT[made.target].format(
        path=path, digest=made.digest, number=made.digest.partition(":")[2], python=made.python
    )
    size, unpacked = (f"{each / _MB:.1f} MB" for each in (made.bytes, made.unpacked_bytes))
    lines = [
        f"{path}: {size}, {unpacked} unpacked, ARM64, Python {made.python}",
        f"digest {made.digest}",
        f"beside it: {', '.join(each.name for each in made.beside)}",
        f"next: {after}",
    ]
    return Group(table, Text(), *map(Text, lines))


def _near(path: Path) -> Path:
    """As a person at this prompt would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
