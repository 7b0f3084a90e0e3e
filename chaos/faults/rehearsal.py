"""The rehearsal's stand-ins as a target, over the control API that each of them serves on loopback."""

import http.client
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlsplit

from pydantic import TypeAdapter, ValidationError

from chaos.faults import FaultError
from contract.errors import WrongUseError
from contract.faults import ActiveFault, Fault

PATH = "/_concierge/faults"
T = TypeVar("T")


class RehearsalTarget:
    """A stand-in at `url`. One connection a call: threads may share a target."""

    def __init__(self, url: str, timeout_s: float = 3.0) -> None:
        place = urlsplit(url)
        if place.scheme != "http" or place.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise WrongUseError(f"{url!r} is no stand-in of a rehearsal: use http://127.0.0.1:PORT")
        self._url, self._host, self._port = url, place.hostname, place.port
        self._timeout_s = timeout_s

    def inject(self, fault: Fault) -> ActiveFault:
        active = self._parsed(
            TypeAdapter(ActiveFault), self._answer("POST", PATH, HTTPStatus.CREATED, fault.model_dump_json())
        )
        if active.fault != fault:
            raise FaultError(f"{self._url} injected something else than it was asked: {active.fault}")
        return active

    def active(self) -> tuple[ActiveFault, ...]:
        return self._parsed(TypeAdapter(tuple[ActiveFault, ...]), self._answer("GET", PATH, HTTPStatus.OK))

    def clear(self, fault_id: str) -> bool:
        path = f"{PATH}/{quote(fault_id, safe='')}"
        status, body = self._call("DELETE", path)
        if status == HTTPStatus.NOT_FOUND:
            return False
        self._require(status == HTTPStatus.NO_CONTENT, "DELETE", path, status, body)
        return True

    def clear_all(self) -> None:
        self._answer("DELETE", PATH, HTTPStatus.NO_CONTENT)

    def _answer(self, method: str, path: str, wanted: HTTPStatus, body: str | None = None) -> bytes:
        status, answer = self._call(method, path, body)
        self._require(status == wanted, method, path, status, answer)
        return answer

    def _call(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        # Not urllib: that would follow a proxy of the environment away from this machine.
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise FaultError(f"{self._url} does not answer {method} {path}: {reason}; does it run?") from None
        finally:
            connection.close()

    def _require(self, held: bool, method: str, path: str, status: int, body: bytes) -> None:
        if not held:
            said = body.decode(errors="replace")[:200].strip()
            raise FaultError(f"{self._url} answered {method} {path} with {status}: {said or 'nothing more'}")

    def _parsed(self, shape: TypeAdapter[T], body: bytes) -> T:
        try:
            return shape.validate_json(body)
        except ValidationError as invalid:
            first = invalid.errors(include_url=False)[0]["msg"]
            raise FaultError(f"{self._url} answered with something that is no fault: {first}") from None
