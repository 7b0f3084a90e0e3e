"""What an image stands on: a base for linux/arm64, from a registry or a folder, checked by its digest."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact.errors import ArgumentError, RefusedError
from artifact.registry import MANIFESTS, Registry

_NAME = re.compile(r"(?P<host>[^/]+)/(?P<name>[^@:]+(?:/[^@:]+)*)@(?P<digest>sha256:[0-9a-f]{64})")
# (`manifests` or `blobs`, digest) -> content
Get = Callable[[str, str], bytes]


@dataclass(frozen=True)
class Base:
    """An image for linux/arm64: its configuration and its layers."""

    config: Mapping[str, Any]
    layers: tuple[tuple[str, str, bytes], ...] = ()  # media type, digest, content
    name: str = ""
    digest: str = ""


def fetch(reference: str) -> Base:
    """The base a reference with a digest names; of an index the part for linux/arm64."""
    found = _NAME.fullmatch(reference)
    if found is None:
        raise ArgumentError(
            f"--base {reference}: name it as REGISTRY/NAME@sha256:DIGEST (a tag may move), or a folder that "
            "holds an OCI layout"
        )
    registry = Registry(found["host"], found["name"])
    return _read(lambda kind, digest: registry.get(kind, digest, MANIFESTS), found["digest"], reference)


def of_layout(folder: Path) -> Base:
    """The base in an OCI layout, as `skopeo copy` and `crane pull --format=oci` write it."""
    try:
        index = json.loads((folder / "index.json").read_bytes())
        first = index["manifests"][0]["digest"]
    except (OSError, ValueError, LookupError):
        raise ArgumentError(f"--base {folder}: no OCI layout is there (index.json)") from None

    def blob(_: str, digest: str) -> bytes:
        file = folder / "blobs" / digest.replace(":", "/")
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ArgumentError(f"{file}: {error.strerror}") from None
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise RefusedError(f"{file} is not what its name says")
        return content

    return _read(blob, first, str(folder))


def _read(get: Get, digest: str, name: str) -> Base:
    try:
        return _walked(get, digest, name)
    except (KeyError, TypeError, AttributeError, ValueError) as odd:
        raise RefusedError(f"{name} is no image as OCI describes one: {type(odd).__name__} {odd}") from None


def _walked(get: Get, digest: str, name: str) -> Base:
    """From a manifest or an index to the layers."""
    manifest = json.loads(get("manifests", digest))
    if "manifests" in manifest:
        digest = _arm64(manifest, name)
        manifest = json.loads(get("manifests", digest))
    config = json.loads(get("blobs", manifest["config"]["digest"]))
    if (config.get("os"), config.get("architecture")) != ("linux", "arm64"):
        raise RefusedError(f"{name} is for {config.get('os')}/{config.get('architecture')}, not linux/arm64")
    layers = tuple(
        (layer["mediaType"], layer["digest"], get("blobs", layer["digest"])) for layer in manifest["layers"]
    )
    return Base(config, layers, name, digest)


def _arm64(index: Mapping[str, Any], name: str) -> str:
    for each in index["manifests"]:
        platform = each.get("platform", {})
        if (platform.get("os"), platform.get("architecture")) == ("linux", "arm64"):
            return str(each["digest"])
    raise RefusedError(f"{name} has nothing for linux/arm64")
