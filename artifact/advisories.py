"""Known-vulnerable pins, from a file of advisories in the OSV format (osv.dev, PyPA's advisory database)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from artifact.errors import ArgumentError
from artifact.lock import Pin


def read(place: Path) -> list[Mapping[str, Any]]:
    """A file with one advisory or a list of them, or a folder of such files."""
    files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
    found: list[Mapping[str, Any]] = []
    for file in files:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ArgumentError(f"{file}: {error.strerror}") from None
        except ValueError as error:
            raise ArgumentError(f"{file} is no JSON: {error}") from None
        rows = content if isinstance(content, list) else [content]
        if not all(isinstance(row, dict) and "id" in row and "affected" in row for row in rows):
            raise ArgumentError(f"{file} is not in the OSV format: an advisory has `id` and `affected`")
        found += rows
    if not found:
        raise ArgumentError(f"{place}: there is no advisory in it")
    return found


def refusals(pins: Sequence[Pin], advisories: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each pin and advisory that says it is vulnerable; a withdrawn one says nothing."""
    for pin in pins:
        for advisory in advisories:
            if advisory.get("withdrawn"):
                continue
            for affected in advisory["affected"]:
                if _concerns(affected, pin):
                    fixed = _fixed(affected, pin)
                    mend = f"{fixed} mends it" if fixed else "no version mends it"
                    yield f"{pin.name} {pin.version} is vulnerable: {advisory['id']}; {mend}"
                    break


def _concerns(affected: Mapping[str, Any], pin: Pin) -> bool:
    package = affected.get("package", {})
    if package.get("ecosystem") != "PyPI" or canonicalize_name(package.get("name", "")) != pin.name:
        return False
    return pin.version in affected.get("versions", ()) or any(
        _within(kind["events"], pin.version) for kind in _ranges(affected)
    )


def _ranges(affected: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in affected.get("ranges", ()) if row.get("type") == "ECOSYSTEM"]


def _within(events: Sequence[Mapping[str, str]], version: str) -> bool:
    """Whether the last event at or before the version introduces it."""
    inside = False
    at = Version(version)
    for event in sorted(events, key=_when):
        ((kind, text),) = event.items()
        if kind == "introduced" and (text == "0" or Version(text) <= at):
            inside = True
        elif (kind == "fixed" and Version(text) <= at) or (kind == "last_affected" and Version(text) < at):
            inside = False
    return inside


def _when(event: Mapping[str, str]) -> Version:
    try:
        return Version(next(iter(event.values())))
    except InvalidVersion:
        return Version("0")


def _fixed(affected: Mapping[str, Any], pin: Pin) -> str | None:
    later = [
        Version(event["fixed"])
        for kind in _ranges(affected)
        for event in kind["events"]
        if "fixed" in event and Version(event["fixed"]) > Version(pin.version)
    ]
    return str(min(later)) if later else None
