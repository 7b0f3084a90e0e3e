"""ARM64 wheels, unpacked. uv finds, checks and unpacks them; what it cannot do is told package by package."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import uv

from artifact.errors import RefusedError, UnreachableError
from artifact.lock import Pin
from artifact.recipe import Recipe

LIMIT_S = 300
# How uv says that nobody answered; a "no" of an index is something else.
_SILENCE = ("error sending request", "Failed to fetch", "timed out", "dns error", "Connection refused")


def unpack(lock: Path, pins: Sequence[Pin], into: Path, recipe: Recipe, wheels: Path | None) -> None:
    """Every pin's wheel under `into`, from the index or, with `wheels`, from that folder alone."""
    there = _there(recipe, wheels)
    done = _uv(
        "pip", "install", "--target", str(into), "--require-hashes", "--no-deps", "--link-mode", "copy",
        *there, "--requirements", str(lock),
    )  # fmt: skip
    if done.returncode == 0:
        return
    if any(word in done.stderr for word in _SILENCE):
        raise UnreachableError(f"no wheels: {_last(done.stderr)}; is a package index reachable?")
    found = [said for pin in pins if (said := _missing(pin, recipe, there))]
    raise RefusedError("\n".join(found) or f"wheels do not fit {lock}: {_last(done.stderr)}")


def _missing(pin: Pin, recipe: Recipe, there: Sequence[str]) -> str | None:
    """Why this pin cannot be had over there, and which version could."""
    if _resolved(pin.text, there):
        return None
    newest = _resolved(pin.name, there)
    what = f"{pin.name} {pin.version} has no ARM64 wheel for Python {recipe.python}"
    if newest:
        return f"{what}; the newest version that has one is {newest}: allow it in pyproject.toml, `make lock`"
    return f"{what}, and no other version has one: it must go, or be built and given with --wheels"


def _resolved(requirement: str, there: Sequence[str]) -> str | None:
    """The newest version of it with a wheel for over there."""
    done = _uv("pip", "compile", "--no-deps", "--no-header", "--no-annotate", *there, "-", stdin=requirement)
    if done.returncode:
        return None
    return done.stdout.strip().partition("==")[2].partition(" ")[0] or None


def _there(recipe: Recipe, wheels: Path | None) -> list[str]:
    source = ["--no-index", "--offline", "--find-links", str(wheels.resolve())] if wheels else []
    there = ["--python-platform", recipe.platform, "--python-version", recipe.python]
    return [*there, "--only-binary", ":all:", *source]


def _uv(*words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [uv.find_uv_bin(), *words, "--quiet", "--no-progress", "--color", "never"],
        env={**os.environ, "UV_COMPILE_BYTECODE": "0"},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def _last(told: str) -> str:
    lines = [line.strip(" ╰─▶×│├\t") for line in told.splitlines() if line.strip()]
    return " ".join(lines)[-400:] or "uv said nothing"
