"""What the artifact must not be: each rule looks at the finished tree, whatever built it, and says why."""

from collections.abc import Iterator, Sequence
from email.parser import BytesHeaderParser

from packaging.utils import canonicalize_name

from artifact.lock import Pin
from artifact.recipe import Recipe
from artifact.tree import ENTRY, Tree

MB = 1024 * 1024
_ELF, _AARCH64 = b"\x7fELF", 183
# Mach-O in its four spellings, a universal one, and Windows' MZ.
_FOREIGN = (
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xfe\xed\xfa\xce",
    b"\xca\xfe\xba\xbe",
)
_MACHINES = {3: "x86", 40: "32-bit ARM", 62: "x86-64", 243: "RISC-V"}


def refusals(tree: Tree, pins: Sequence[Pin], recipe: Recipe, zip_bytes: int) -> list[str]:
    """One line for each thing wrong with it."""
    return [
        *_not_arm(tree),
        *_not_pinned(tree, pins),
        *_too_large(tree, recipe, zip_bytes),
        *_cannot_start(tree, recipe),
    ]


def _not_arm(tree: Tree) -> Iterator[str]:
    for path, content in tree.items():
        if (what := _machine(path, content)) is not None:
            yield f"{path} is {what}, not 64-bit ARM: it would fail when it is imported over there"


def _machine(path: str, content: bytes) -> str | None:
    """What a file is built for, unless it is nothing built, or built for ARM64."""
    head = content[:20]
    if head.startswith(_ELF):
        machine = int.from_bytes(head[18:20], "little")
        if head[4:6] == b"\x02\x01" and machine == _AARCH64:
            return None
        return f"an ELF file for {_MACHINES.get(machine, f'machine {machine}')}"
    if head.startswith(_FOREIGN):
        return "a Mach-O file for macOS"
    if head.startswith(b"MZ") and path.endswith((".pyd", ".dll", ".exe")):
        return "a Windows file"
    if path.endswith((".so", ".pyd", ".dylib")) or ".so." in path:
        return "no ELF file"
    return None


def _not_pinned(tree: Tree, pins: Sequence[Pin]) -> Iterator[str]:
    """What is inside must be what the lock says: no more, no less, no other version."""
    locked = {pin.name: pin.version for pin in pins}
    found = dict(distributions(tree))
    for name in sorted(locked.keys() | found.keys()):
        if name not in found:
            yield f"{name} {locked[name]} is locked, and its wheel brought no metadata"
        elif locked.get(name) != found[name]:
            yield f"{name} {found[name]} is inside, and the lock says {locked.get(name, 'nothing of it')}"


def distributions(tree: Tree) -> Iterator[tuple[str, str]]:
    """(name, version) of every package that has metadata."""
    for path, content in tree.items():
        if path.endswith(".dist-info/METADATA") and path.count("/") == 1:
            headers = BytesHeaderParser().parsebytes(content)
            yield canonicalize_name(str(headers["Name"])), str(headers["Version"])


def _too_large(tree: Tree, recipe: Recipe, zip_bytes: int) -> Iterator[str]:
    unpacked = sum(map(len, tree.values()))
    for what, size, limit in (
        ("zipped", zip_bytes, recipe.zip_mb),
        ("unpacked", unpacked, recipe.unpacked_mb),
    ):
        if size > limit * MB:
            yield f"it is {size / MB:.0f} MB {what}; AgentCore takes {limit} MB (artifact/recipe.toml: drop)"


def _cannot_start(tree: Tree, recipe: Recipe) -> Iterator[str]:
    wanted = [ENTRY, *(f"{room}/__init__.py" for room in recipe.rooms), "runtime/__main__.py"]
    wanted += [f"botocore/data/{service}/" for service in recipe.services]
    for path in wanted:
        if path not in tree and not (path.endswith("/") and any(each.startswith(path) for each in tree)):
            yield f"{path} is missing: it would not start"
    for path, content in tree.items():
        if path.endswith(".py") and (path == ENTRY or path.partition("/")[0] in recipe.rooms):
            yield from _unreadable(path, content)


def _unreadable(path: str, content: bytes) -> Iterator[str]:
    try:
        compile(content, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        yield f"{path} is no Python: {error}"
