"""Answers connections of API Gateway's WebSocket API: `POST @connections/{id}`, signed.

Without AWS's own client: an answer is dozens of posts, and that costs several times what a post needs.
"""

from collections.abc import Mapping
from urllib.parse import quote

import aiohttp

from runtime.reply import GoneError
from runtime.signing import Signer
from runtime.telemetry import Telemetry

PATIENCE_S = 5.0  # for one post
TRIES = 2  # a post that was throttled may pass a moment later
GONE, THROTTLED = 410, 429


class Gateway:
    """`url`: the API's management URL, `https://<api>.execute-api.<region>.amazonaws.com/<stage>`."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, signer: Signer | None, telemetry: Telemetry
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._signer = signer
        self._telemetry = telemetry

    async def post(self, connection: str, text: str) -> None:
        """One frame; GoneError when nobody is there, or reached: a gap in an answer is no answer."""
        url, body = f"{self._url}/@connections/{quote(connection, safe='')}", text.encode()
        status = 0
        for _ in range(TRIES):
            status = await self._once(url, body)
            if status != THROTTLED:
                break
        if status >= 300 or status == 0:
            if status != GONE:
                self._telemetry.log("error", "a connection cannot be answered", status=status)
            raise GoneError(f"status {status}")

    async def _once(self, url: str, body: bytes) -> int:
        headers: Mapping[str, str] = {"Content-Type": "application/json"}
        if self._signer is not None:
            headers = await self._signer.sign("POST", url, body, headers)
        patience = aiohttp.ClientTimeout(total=PATIENCE_S)
        try:
            async with self._session.post(url, data=body, headers=headers, timeout=patience) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0
