"""A base image out of a registry, by digest: the pull half of the OCI distribution protocol, anonymous.

`oras`, the library for artifacts in registries, refuses images of several platforms, and a base is one.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from artifact.errors import ArgumentError, RefusedError, UnreachableError

LIMIT_S = 60
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_NAME = re.compile(r"(?P<host>[^/]+)/(?P<name>[^@:]+(?:/[^@:]+)*)@(?P<digest>sha256:[0-9a-f]{64})")
_PART = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Base:
    """An image for linux/arm64: its configuration and its layers."""

    config: Mapping[str, Any]
    layers: tuple[tuple[str, str, bytes], ...] = ()  # media type, digest, content
    name: str = ""
    digest: str = ""


class _Stripping(HTTPRedirectHandler):
    """Registries send blobs from elsewhere, which must not be told our token."""

    def redirect_request(self, req: Request, *arguments: Any) -> Request | None:
        moved = super().redirect_request(req, *arguments)
        if moved is not None and moved.host != req.host:
            moved.headers.pop("Authorization", None)
        return moved


@dataclass
class Registry:
    """One repository in one registry."""

    host: str
    name: str
    token: str | None = field(default=None, repr=False)

    @property
    def _url(self) -> str:
        plain = self.host.startswith(("127.0.0.1:", "localhost:"))
        return f"{'http' if plain else 'https'}://{self.host}/v2/{self.name}"

    def get(self, kind: str, digest: str, accept: tuple[str, ...] = ()) -> bytes:
        """A manifest or a blob whose bytes are what the digest says."""
        content = self._ask(f"{self._url}/{kind}/{digest}", accept)
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise RefusedError(f"{self.host}/{self.name}: what it sent for {digest} is something else")
        return content

    def _ask(self, url: str, accept: tuple[str, ...], *, again: bool = True) -> bytes:
        headers = {"Accept": ", ".join(accept)} if accept else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            with build_opener(_Stripping()).open(Request(url, headers=headers), timeout=LIMIT_S) as reply:  # noqa: S310
                return bytes(reply.read())
        except HTTPError as refused:
            if refused.code == 401 and again:
                self.token = self._anonymous(refused.headers.get("WWW-Authenticate", ""))
                return self._ask(url, accept, again=False)
            what = {401: "wants a login", 403: "wants a login", 404: "has no such image"}
            raise ArgumentError(
                f"{self.host}/{self.name} {what.get(refused.code, f'answers {refused.code}')}"
            ) from None
        except (URLError, TimeoutError, OSError) as silent:
            raise UnreachableError(
                f"{self.host} does not answer: {getattr(silent, 'reason', silent)}"
            ) from None

    def _anonymous(self, challenge: str) -> str:
        """The token anybody gets for reading what is public."""
        parts = dict(_PART.findall(challenge))
        if not challenge.startswith("Bearer ") or "realm" not in parts:
            raise ArgumentError(
                f"{self.host}/{self.name} wants a login; give the base as an OCI layout folder"
            )
        query = urlencode({key: parts[key] for key in ("service", "scope") if key in parts})
        told = json.loads(self._ask(f"{parts['realm']}?{query}", (), again=False))
        return str(told.get("token") or told.get("access_token"))


def fetch(reference: str) -> Base:
    """The base a reference with a digest names; of an index the part for linux/arm64."""
    found = _NAME.fullmatch(reference)
    if found is None:
        raise ArgumentError(
            f"--base {reference}: name it as REGISTRY/NAME@sha256:DIGEST (a tag may move), or a folder that "
            "holds an OCI layout"
        )
    registry = Registry(found["host"], found["name"])
    return read(
        lambda kind, digest: registry.get(kind, digest, (*INDEXES, *MANIFESTS)), found["digest"], reference
    )


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

    return read(blob, first, str(folder))


def read(get: Any, digest: str, name: str) -> Base:
    """Walks from a manifest or an index to the layers."""
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
