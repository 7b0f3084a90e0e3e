"""Writes that happen once for each key, however often they are asked for (RUN-14)."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

KEY = "Idempotency-Key"


class Once:
    """Remembers what was answered to each key: the same request gets the same answer, another is refused."""

    def __init__(self) -> None:
        self._done: dict[tuple[str, str], tuple[str, int, bytes]] = {}

    async def do(
        self, request: web.Request, asked: Mapping[str, Any], work: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        key, body = request.headers.get(KEY, ""), json.dumps(asked, sort_keys=True)
        if not key:
            return _error(400, f"{KEY} is missing: every write needs one")
        place = request.path, key
        if place in self._done:
            before, status, answer = self._done[place]
            if before != body:
                return _error(422, f"{KEY} {key!r} was used for another request")
            return web.Response(body=answer, status=status, content_type="application/json")
        response = await work()
        if response.status < 400 and isinstance(response.body, bytes):
            self._done[place] = body, response.status, response.body
        return response


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": message}}, status=status)
