"""A stand-in's faults: which are active, which call they hit, and the control API over HTTP.

A lease ends here, on the stand-in's side, so that a killed experiment leaves nothing behind (CHAOS-2). Which
calls are hit is counted, not diced: of a hundred calls a rate of 4 % hits every twenty-fifth.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from contract.errors import WrongUseError
from contract.faults import ActiveFault, Fault, FaultKind

PATH = "/_concierge/faults"
_LIST = TypeAdapter(list[ActiveFault])


class FaultError(WrongUseError):
    """A fault this stand-in cannot have."""


@dataclass
class _Injected:
    """A fault and how many calls it has seen."""

    active: ActiveFault
    rate: Fraction
    seen: int = 0

    def hits_next(self) -> bool:
        """Spread evenly: the call that carries the running total over a whole number is hit."""
        self.seen += 1
        return int(self.seen * self.rate) > int((self.seen - 1) * self.rate)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Faults:
    """The faults of one stand-in. `attributes`: what a fault may be narrowed by, and the values there are."""

    def __init__(
        self,
        target: str,
        kinds: Collection[FaultKind],
        attributes: Mapping[str, Collection[str]],
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._target = target
        self._kinds = kinds
        self._attributes = attributes
        self._now = now
        self._injected: dict[str, _Injected] = {}
        self._count = 0

    def inject(self, fault: Fault) -> ActiveFault:
        """Starts a fault; FaultError when it could never hit anything."""
        self._check(fault)
        now = self._now()
        self._count += 1
        active = ActiveFault(
            id=f"{self._target}-{fault.kind}-{self._count}",
            fault=fault,
            injected_at=now,
            expires_at=now + timedelta(seconds=fault.lease_s),
        )
        # By way of its text: the float 0.04 is a little more than 4 %, and that little adds up.
        self._injected[active.id] = _Injected(active, Fraction(str(fault.rate)))
        return active

    def active(self) -> list[ActiveFault]:
        """What is injected and not yet expired, oldest first."""
        now = self._now()
        self._injected = {
            key: entry for key, entry in self._injected.items() if entry.active.expires_at > now
        }
        return [entry.active for entry in self._injected.values()]

    def clear(self, fault_id: str) -> bool:
        """Ends a fault. False: it was not there, or its lease had run out, so it did not last as meant."""
        there = any(active.id == fault_id for active in self.active())
        self._injected.pop(fault_id, None)
        return there

    def clear_all(self) -> None:
        self._injected.clear()

    def hit(self, kind: FaultKind, attributes: Mapping[str, str]) -> bool:
        """Whether a call with these attributes is to fail this way. Ask once a call: it counts."""
        matching = [
            self._injected[active.id]
            for active in self.active()
            if active.fault.match.items() <= attributes.items() and active.fault.kind == kind
        ]
        hits = [entry.hits_next() for entry in matching]  # each counts each call, also after a hit
        return any(hits)

    def _check(self, fault: Fault) -> None:
        if fault.target != self._target:
            raise FaultError(f"target: this is {self._target}, not {fault.target!r}")
        if fault.kind not in self._kinds:
            raise FaultError(f"kind: {self._target} knows {', '.join(self._kinds)}, not {fault.kind}")
        for name, value in fault.match.items():
            if name not in self._attributes:
                raise FaultError(f"match: {self._target} knows {', '.join(self._attributes)}, not {name!r}")
            if value not in self._attributes[name]:
                raise FaultError(
                    f"match: {name} is one of {', '.join(self._attributes[name])}, not {value!r}"
                )


def routes(faults: Faults) -> list[web.RouteDef]:
    """The control API: POST, GET and DELETE on `/_concierge/faults`."""

    async def inject(request: web.Request) -> web.Response:
        try:
            active = faults.inject(Fault.model_validate_json(await request.read()))
        except FaultError as wrong:
            return web.json_response({"message": str(wrong)}, status=400)
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "fault"
            return web.json_response({"message": f"{place}: {first['msg']}"}, status=400)
        return _json(active.model_dump_json().encode(), status=201)

    async def show(_: web.Request) -> web.Response:
        return _json(_LIST.dump_json(faults.active()))

    async def clear(request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if not faults.clear(name):
            return web.json_response({"message": f"no fault {name!r}, or its lease has run out"}, status=404)
        return web.Response(status=204)

    async def clear_all(_: web.Request) -> web.Response:
        faults.clear_all()
        return web.Response(status=204)

    return [
        web.post(PATH, inject),
        web.get(PATH, show),
        web.delete(f"{PATH}/{{id}}", clear),
        web.delete(PATH, clear_all),
    ]


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
