"""JSON over HTTP on a connection that is kept: enough for the ways in that are not the chat. Works under
gevent."""

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from contract.errors import WrongUseError


class HttpLine:
    """One connection to one host; OSError (TimeoutError among them) when there is no answer."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        if place.scheme not in {"http", "https"} or not place.hostname:
            raise WrongUseError(f"address {url!r}: must be one such as http://127.0.0.1:8080")
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(place.hostname, place.port)
        self.path = place.path.rstrip("/")

    def post(
        self, path: str, body: Any, headers: Mapping[str, str], until: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the answer. A kept connection that has gone is opened once more."""
        text = json.dumps(body).encode()
        told = {"Content-Type": "application/json", **headers}
        for last in (self._connection.sock is None, True):
            left = max(0.001, until - time.monotonic())
            self._connection.timeout = left
            if self._connection.sock is not None:
                self._connection.sock.settimeout(left)
            try:
                self._connection.request("POST", self.path + path, text, told)
                answer = self._connection.getresponse()
                return answer.status, dict(answer.getheaders()), answer.read()
            except (OSError, http.client.HTTPException) as lost:
                self._connection.close()
                if last or isinstance(lost, TimeoutError):
                    raise OSError(str(lost) or type(lost).__name__) from lost
        raise OSError("no answer")

    def close(self) -> None:
        """Leaves."""
        self._connection.close()
