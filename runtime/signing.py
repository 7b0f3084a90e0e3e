"""SigV4 for what is called without AWS's own clients: the search domain, and connections of a gateway."""

from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

SEARCH, GATEWAY = "es", "execute-api"


class Signer:
    """`credentials`: botocore's, which renew themselves."""

    def __init__(self, credentials: Any, region: str, service: str) -> None:
        self._credentials = credentials
        self._service = service
        self._region = region

    async def sign(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers to send, signature among them."""
        frozen = await self._credentials.get_frozen_credentials()
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        SigV4Auth(frozen, self._service, self._region).add_auth(request)
        return dict(request.headers.items())
