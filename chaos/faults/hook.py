"""The agent's own fault hook as a target (RUN-24): orders are signed here and given with the controls.

What is there already stays: other controls, and orders of somebody else's that still hold. An order ends by
itself with its last fault; the last one that is cleared takes the control away again.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chaos.faults import FaultError
from contract import fault_orders
from contract.controls import Control, Controls, ControlsError, parse, render
from contract.fault_orders import Order, OrderError
from contract.faults import ActiveFault, Fault
from contract.inventory import RegionInventory

_SSM_LARGEST = 4_096  # letters of a standard parameter


HOOK = "hook-"  # what ids of its faults begin with
TOKENS = "tokens"  # the secret of resume tokens, of which the runtime makes the key of orders too


def secret_of(secretsmanager: Any, names: RegionInventory) -> bytes:
    """The secret of this environment; FaultError when we may not read it, and so may not give orders."""
    name = names.secrets.get(TOKENS)
    if name is None:
        raise FaultError(f"the inventory names no secret {TOKENS!r}: the agent has no hook there")
    try:
        return str(secretsmanager.get_secret_value(SecretId=name)["SecretString"]).encode()
    except (BotoCoreError, ClientError) as error:
        raise FaultError(f"secret {name} cannot be read, and orders not signed: {error}") from None


def utc_now() -> datetime:
    return datetime.now(UTC)


class HookTarget:
    """`parameter`: the controls' document. `secret`: what the environment's key of orders is made of."""

    def __init__(
        self,
        ssm: Any,
        parameter: str,
        environment: str,
        secret: bytes,
        *,
        who: str,
        why: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ssm, self._parameter, self._environment = ssm, parameter, environment
        self._key = fault_orders.key_of(secret)
        self._who, self._why, self._now = who, why, now

    def inject(self, fault: Fault) -> ActiveFault:
        try:
            fault_orders.require_possible(fault)
        except OrderError as impossible:
            raise FaultError(str(impossible)) from None
        now = self._now()
        active = ActiveFault(
            id=f"{HOOK}{fault.kind}-{uuid.uuid4().hex[:8]}",
            fault=fault,
            injected_at=now,
            expires_at=now + timedelta(seconds=fault.lease_s),
        )
        self._give((*self.active(), active))
        if active.id not in {one.id for one in self.active()}:
            raise FaultError(f"{active.id} was written and is not there: does somebody else turn controls?")
        return active

    def active(self) -> tuple[ActiveFault, ...]:
        turned, now = self._controls().faults, self._now()
        if turned is None or turned.expires_at <= now:
            return ()
        try:
            order = fault_orders.read(turned.value, self._key, self._environment, now)
        except OrderError:
            return ()  # the agent obeys it no more than we do
        return tuple(one for one in order.faults if one.expires_at > now)

    def clear(self, fault_id: str) -> bool:
        there = self.active()
        self._give(tuple(one for one in there if one.id != fault_id))
        return any(one.id == fault_id for one in there)

    def clear_all(self) -> None:
        self._give(())

    def _give(self, faults: tuple[ActiveFault, ...]) -> None:
        document = self._controls()
        control = self._order(faults) if faults else None
        if control == document.faults:
            return
        text = render(document.model_copy(update={"faults": control}))
        if len(text) > _SSM_LARGEST:
            raise FaultError(f"{len(faults)} faults at once do not fit the controls: use fewer stages")
        self._asked("put_parameter", Value=text, Overwrite=True)

    def _order(self, faults: tuple[ActiveFault, ...]) -> Control[str]:
        ends = max(one.expires_at for one in faults)
        order = Order(
            environment=self._environment, who=self._who, why=self._why, faults=faults, expires_at=ends
        )
        return Control(
            value=fault_orders.sign(order, self._key), who=self._who, why=self._why, expires_at=ends
        )

    def _controls(self) -> Controls:
        try:
            return parse(str(self._asked("get_parameter")["Parameter"]["Value"]))
        except ControlsError as broken:
            raise FaultError(f"{self._parameter}: {broken}: mend them first") from None

    def _asked(self, operation: str, **more: Any) -> Any:
        try:
            return getattr(self._ssm, operation)(Name=self._parameter, **more)
        except (BotoCoreError, ClientError) as error:
            raise FaultError(f"{self._parameter}: {operation}: {error}") from None
