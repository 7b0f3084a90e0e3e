"""AWS Fault Injection Service as a target: its experiments are those that the stack declares.

FIS keeps the time itself and undoes what it did, also when whoever started it is gone. It has no rate: what
an experiment hits is written in its template.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chaos.faults import FaultError
from contract.faults import DRILL, ActiveFault, Fault, FaultKind

TAG = "ConciergeChaos"
_RUNS = frozenset({"pending", "initiating", "running"})
_BEGINS_S, _LOOK_EVERY_S = 60.0, 1.0


class FisTarget:
    """`templates`: our word for an experiment -> the template's id, as the inventory has them."""

    def __init__(
        self,
        fis: Any,
        templates: Mapping[str, str],
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._fis, self._templates = fis, templates
        self._sleep, self._now = sleep, now

    def inject(self, fault: Fault) -> ActiveFault:
        name = fault.match.get(DRILL, "")
        if fault.kind is not FaultKind.DRILL or name not in self._templates:
            known = ", ".join(sorted(self._templates)) or "none: deploy with concierge:faults.enabled"
            raise FaultError(f"FIS has no experiment {name or fault.kind!r}; there are: {known}")
        started = self._asked(
            "start_experiment",
            clientToken=uuid.uuid4().hex,
            experimentTemplateId=self._templates[name],
            tags={TAG: name},
        )["experiment"]
        self._wait_until_it_runs(started["id"])
        now = self._now()
        return ActiveFault(
            id=started["id"],
            fault=fault,
            injected_at=now,
            expires_at=now + timedelta(seconds=fault.lease_s),
        )

    def active(self) -> tuple[ActiveFault, ...]:
        return tuple(
            self._active(row)
            for row in self._all()
            if TAG in row.get("tags", {}) and row["state"]["status"] in _RUNS
        )

    def clear(self, fault_id: str) -> bool:
        """False: it had ended by itself."""
        if self._state(fault_id)["status"] not in _RUNS:
            return False
        self._asked("stop_experiment", id=fault_id)
        return True

    def clear_all(self) -> None:
        for one in self.active():
            self.clear(one.id)

    def _wait_until_it_runs(self, experiment: str) -> None:
        for _ in range(round(_BEGINS_S / _LOOK_EVERY_S)):
            state = self._state(experiment)
            if state["status"] == "running":
                return
            if state["status"] not in _RUNS:
                raise FaultError(
                    f"FIS experiment {experiment} {state['status']}: {state.get('reason', 'no reason given')}"
                )
            self._sleep(_LOOK_EVERY_S)
        self._asked("stop_experiment", id=experiment)
        raise FaultError(f"FIS experiment {experiment} did not begin within {_BEGINS_S:g} s, and was stopped")

    def _all(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = self._asked("list_experiments", **more)
            found += page["experiments"]
            if not page.get("nextToken"):
                return found
            more = {"nextToken": page["nextToken"]}

    def _state(self, experiment: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._asked("get_experiment", id=experiment)["experiment"]["state"]
        return found

    def _active(self, row: Mapping[str, Any]) -> ActiveFault:
        began = row.get("creationTime") or self._now()
        fault = Fault(target="fis", kind=FaultKind.DRILL, match={DRILL: row["tags"][TAG]}, lease_s=3_600)
        return ActiveFault(
            id=row["id"], fault=fault, injected_at=began, expires_at=began + timedelta(seconds=fault.lease_s)
        )

    def _asked(self, operation: str, **more: Any) -> Any:
        try:
            return getattr(self._fis, operation)(**more)
        except (BotoCoreError, ClientError) as error:
            raise FaultError(f"FIS {operation}: {error}") from None
