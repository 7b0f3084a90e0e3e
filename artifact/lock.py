"""The runtime's lock: which versions, with which hashes, and whether it is what pyproject.toml asks for."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from artifact.errors import ArgumentError, RefusedError

_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
EXTRA = "runtime"


@dataclass(frozen=True)
class Pin:
    """One package in one version."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.name}=={self.version}"


def read(file: Path, python: str) -> tuple[Pin, ...]:
    """The pins that apply to Linux on ARM64 and this Python."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"{file}: {error.strerror}; `make lock` writes it") from None
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    lines = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return tuple(pin for line in lines if (pin := _pin(file, line, python)))


def _pin(file: Path, line: str, python: str) -> Pin | None:
    try:
        asked = Requirement(_HASH.sub("", line).strip())
    except InvalidRequirement:
        raise ArgumentError(
            f"{file}: {line.strip()[:60]!r} is no pinned requirement; run `make lock`"
        ) from None
    versions = [s.version for s in asked.specifier if s.operator == "=="]
    hashes = tuple(_HASH.findall(line))
    if len(versions) != 1 or not hashes:
        raise RefusedError(f"{file}: {asked.name} has no exact version with a hash; run `make lock`")
    there = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": "aarch64",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    if asked.marker is not None and not asked.marker.evaluate(there):
        return None
    return Pin(canonicalize_name(asked.name), versions[0], hashes)


def asked_for(project: Path) -> tuple[Requirement, ...]:
    """What pyproject.toml says the runtime needs."""
    try:
        document = tomllib.loads(project.read_text(encoding="utf-8"))
        return tuple(map(Requirement, document["project"]["optional-dependencies"][EXTRA]))
    except OSError as error:
        raise ArgumentError(f"{project}: {error.strerror}: run this inside the repository") from None
    except (KeyError, ValueError):
        raise ArgumentError(f"{project}: there is no extra `{EXTRA}` to build from") from None


def check(file: Path, pins: Sequence[Pin], asked: Sequence[Requirement]) -> None:
    """Refuses a lock that was not made from what pyproject.toml says now."""
    versions = {pin.name: pin.version for pin in pins}
    wrong = []
    for requirement in asked:
        version = versions.get(canonicalize_name(requirement.name))
        if version is None:
            wrong.append(f"{requirement} is not in it")
        elif not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if wrong:
        raise RefusedError(f"{file} does not match pyproject.toml: {'; '.join(wrong)}; run `make lock`")
