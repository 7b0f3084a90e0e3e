"""The pull half of the OCI distribution protocol, by digest and anonymous.

`oras`, the library for artifacts in registries, refuses images of several platforms, and a base is one.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from artifact.errors import ArgumentError, RefusedError, UnreachableError

LIMIT_S = 60
# Of one platform and of several, in OCI's words and in Docker's.
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_PART = re.compile(r'(\w+)="([^"]*)"')


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
