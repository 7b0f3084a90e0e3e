"""From the lock to files on disk: wheels, tree, rules, archive; then all at once into the place asked for."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from artifact import advisories, archive, bases, bill, image, lock, rules, tree, wheels
from artifact.errors import ArgumentError, RefusedError
from artifact.recipe import recipe

Target = Literal["agentcore", "image", "folder"]
ZIP, LAYOUT, FOLDER = "agent.zip", "image", "app"
LOCK = Path("requirements/runtime.txt")


@dataclass(frozen=True)
class Order:
    """What to build, and from what."""

    target: Target
    root: Path
    out: Path
    python: str = recipe().python
    base: str | None = None
    wheels: Path | None = None
    advisories: Path | None = None


@dataclass(frozen=True)
class Artifact:
    """What was built."""

    target: Target
    path: Path
    digest: str
    bytes: int
    unpacked_bytes: int
    python: str
    parts: tuple[bill.Part, ...]
    beside: tuple[Path, ...]


def build(order: Order) -> Artifact:
    """Builds it, or says everything that speaks against it; what lay there before stays until it is done."""
    chosen = recipe()
    if order.python not in chosen.pythons:
        raise ArgumentError(f"--python {order.python}: there are {', '.join(chosen.pythons)}")
    chosen = chosen.model_copy(update={"python": order.python})
    base = _base(order)
    known = advisories.read(order.advisories) if order.advisories else []
    file = order.root / LOCK
    pins = lock.read(file, order.python)
    lock.check(LOCK, pins, lock.asked_for(order.root / "pyproject.toml"))
    if found := list(advisories.refusals(pins, known)):
        raise RefusedError("\n".join(found))

    order.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".package-", dir=order.out.parent) as place:
        site = Path(place) / "site"
        wheels.unpack(file, pins, site, chosen, order.wheels)
        made = tree.assemble(site, order.root, chosen)
        zipped = archive.zipped(made)
        if found := rules.refusals(made, pins, chosen, len(zipped)):
            raise RefusedError("\n".join(found))
        name, files, digest = _shape(order, made, zipped, base)
        parts = bill.parts(made)
        beside = {
            "bill.cdx.json": bill.bill(parts, digest),
            "licences.txt": bill.licences(parts),
            "sizes.txt": bill.sizes(parts),
            "digest.txt": f"{digest}\n",
        }
        new = Path(place) / "new"
        image.write({**files, **{path: text.encode() for path, text in beside.items()}}, new)
        _swap(new, order.out, Path(place) / "old")
    return Artifact(
        target=order.target,
        path=order.out / name,
        digest=digest,
        bytes=sum(map(len, files.values())),
        unpacked_bytes=sum(map(len, made.values())),
        python=order.python,
        parts=parts,
        beside=tuple(order.out / path for path in beside),
    )


def _base(order: Order) -> bases.Base | None:
    if order.target != "image":
        if order.base:
            raise ArgumentError("--base is for --target image alone")
        return None
    if order.base is None:
        raise ArgumentError(
            "--target image needs --base: REGISTRY/NAME@sha256:DIGEST of an image with Python "
            f"{order.python}, or a folder with its OCI layout (docs/packaging.md)"
        )
    folder = Path(order.base)
    return bases.of_layout(folder) if folder.is_dir() else bases.fetch(order.base)


def _shape(
    order: Order, made: tree.Tree, zipped: bytes, base: bases.Base | None
) -> tuple[str, Mapping[str, bytes], str]:
    """(what it is called, its files, the digest that the stack pins)."""
    digest = f"sha256:{hashlib.sha256(zipped).hexdigest()}"
    if base is not None:
        files, digest = image.layout(made, base, recipe())
        return LAYOUT, {f"{LAYOUT}/{path}": content for path, content in files.items()}, digest
    if order.target == "folder":
        return FOLDER, {f"{FOLDER}/{path}": content for path, content in made.items()}, digest
    return ZIP, {ZIP: zipped}, digest


def _swap(new: Path, out: Path, old: Path) -> None:
    """Puts a finished folder in the place of another; only one that we made is replaced."""
    if out.exists():
        if not (out / "digest.txt").exists() and any(out.iterdir()):
            raise ArgumentError(f"--out {out}: there is something else in it; name an empty or a new folder")
        out.rename(old)
    try:
        new.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
