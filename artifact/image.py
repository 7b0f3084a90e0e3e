"""An OCI image layout of the same tree: the base's layers, one of ours, and how to start it.

`skopeo copy oci:build/package/image docker://REPOSITORY` pushes it as it is, so that the digest printed here
is the one in the registry, and the one that `agent.image_digest` pins.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifact.archive import tarred
from artifact.bases import Base
from artifact.recipe import Recipe
from artifact.tree import ENTRY, Tree

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
# Docker's names for what OCI took over unchanged.
_DOCKER = {
    "application/vnd.docker.image.rootfs.diff.tar": LAYER,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": f"{LAYER}+gzip",
}
_BELOW = "app"
_PORT = "8080/tcp"
_WHEN = "1980-01-01T00:00:00Z"


def layout(tree: Tree, base: Base, recipe: Recipe) -> tuple[Mapping[str, bytes], str]:
    """(the layout's files, the manifest's digest)."""
    blobs: dict[str, bytes] = {}

    def kept(content: bytes) -> tuple[str, int]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        blobs[f"blobs/{digest.replace(':', '/')}"] = content
        return digest, len(content)

    ours = tarred(tree, _BELOW)
    layers = [_descriptor(_DOCKER.get(kind, kind), *kept(content)) for kind, _, content in base.layers]
    layers.append(_descriptor(LAYER, *kept(ours)))
    diff = f"sha256:{hashlib.sha256(ours).hexdigest()}"
    config = _descriptor(CONFIG, *kept(_json(_config(base, diff, recipe))))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": layers,
        "annotations": {
            "org.opencontainers.image.base.name": base.name,
            "org.opencontainers.image.base.digest": base.digest,
        },
    }
    digest, size = kept(_json(manifest))
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {**_descriptor(MANIFEST, digest, size), "platform": {"os": "linux", "architecture": "arm64"}}
        ],
    }
    files = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": _json(index), **blobs}
    return dict(sorted(files.items())), digest


def _config(base: Base, diff: str, recipe: Recipe) -> Mapping[str, Any]:
    theirs = base.config.get("config") or {}
    environment = [e for e in theirs.get("Env") or [] if not e.startswith(("PYTHONPATH=", "PYTHONDONTWRITE"))]
    return {
        "architecture": "arm64",
        "os": "linux",
        "created": _WHEN,
        "config": {
            "User": f"{recipe.user}:{recipe.user}",
            "ExposedPorts": {_PORT: {}},
            # The root is read-only in the task: nothing is to be written beside the code.
            "Env": [*environment, "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
            "Entrypoint": ["python3", f"/{_BELOW}/{ENTRY}"],
            "WorkingDir": f"/{_BELOW}",
            "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": [*base.config["rootfs"]["diff_ids"], diff]},
        "history": [
            *(base.config.get("history") or []),
            {"created": _WHEN, "created_by": "concierge package --target image"},
        ],
    }


def _descriptor(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest, "size": size}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def write(files: Mapping[str, bytes], folder: Path) -> None:
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
