"""The rehearsal's stand-ins as a target, over the control API that each of them serves on loopback."""

import http.client
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlsplit

from pydantic import TypeAdapter, ValidationError

from chaos.faults import FaultError
from contract.errors import WrongUseError
from contract.faults import ActiveFault, Fault, Injection

PATH = "/_concierge/faults"
LOG_PATH = "/_concierge/injections"
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

    def log(self) -> tuple[Injection, ...]:
        """What was done to faults, and when; a lease that ran out stands there too."""
        return self._parsed(TypeAdapter(tuple[Injection, ...]), self._answer("GET", LOG_PATH, HTTPStatus.OK))

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


class RehearsalTargets:
    """Several stand-ins as one target: `urls` says where the faults of each are controlled."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._targets = {name: RehearsalTarget(url) for name, url in urls.items()}

    def inject(self, fault: Fault) -> ActiveFault:
        if fault.target not in self._targets:
            raise WrongUseError(f"target: one of {', '.join(sorted(self._targets))}, not {fault.target!r}")
        return self._targets[fault.target].inject(fault)

    def active(self) -> tuple[ActiveFault, ...]:
        found = [fault for target in self._targets.values() for fault in target.active()]
        return tuple(sorted(found, key=lambda fault: fault.injected_at))

    def log(self) -> tuple[Injection, ...]:
        """What was done to the faults of all of them, oldest first."""
        lines = [line for target in self._targets.values() for line in target.log()]
        return tuple(sorted(lines, key=lambda line: line.at))

    def clear(self, fault_id: str) -> bool:
        return any(
            target.clear(fault_id)
            for name, target in self._targets.items()
            if fault_id.startswith(f"{name}-")
        )

    def clear_all(self) -> None:
        for target in self._targets.values():
            target.clear_all()
