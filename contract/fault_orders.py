"""An order to the runtime to make faults itself (RUN-24): whose, why, which, until when, and signed.

It is the value of the control `faults`, so it is read with the controls, expires with them, and costs nothing
while nobody gives one. Whoever may turn controls but does not hold the key cannot give one.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from contract.base import Shape
from contract.errors import WrongUseError
from contract.faults import ActiveFault, Fault, FaultKind

_PURPOSE = b"concierge fault orders"  # another key than the one that the secret is there for


SERVICES = (
    "sagemaker", "search", "dynamodb", "catalogue", "product-search", "pricing", "recommendation", "shipping",
    "promotions", "orders",
)  # fmt: skip
_ANYWHERE = (FaultKind.SLOW, FaultKind.HANG, FaultKind.RESET, FaultKind.THROTTLE, FaultKind.ERROR)
OF_MODELS = (
    *_ANYWHERE, FaultKind.UNAVAILABLE, FaultKind.NOT_READY, FaultKind.MODEL_TIMEOUT, FaultKind.DENIED,
    FaultKind.CUT, FaultKind.UNFINISHED, FaultKind.STREAM_THROTTLE, FaultKind.STREAM_ERROR,
    FaultKind.STREAM_UNAVAILABLE, FaultKind.STREAM_MODEL_ERROR,
)  # fmt: skip
OF_SERVICES = (*_ANYWHERE, FaultKind.UNAVAILABLE, FaultKind.BAD_GATEWAY, FaultKind.GATEWAY_TIMEOUT)


class OrderError(WrongUseError):
    """An order that nobody obeys."""


class Order(Shape):
    """`environment`: an order for one is none for another."""

    environment: str = Field(min_length=1)
    who: str = Field(min_length=1)
    why: str = Field(min_length=1)
    faults: tuple[ActiveFault, ...] = Field(min_length=1)
    expires_at: AwareDatetime

    @model_validator(mode="after")
    def _none_outlives_it(self) -> Self:
        if late := [one.id for one in self.faults if one.expires_at > self.expires_at]:
            raise ValueError(f"fault {late[0]} outlives the order: end it sooner")
        return self


def require_possible(fault: Fault) -> None:
    """OrderError when the runtime cannot make it: an order of it would do nothing and prove nothing."""
    if fault.target != "bedrock" and fault.target not in SERVICES:
        raise OrderError(f"the agent's hook cannot break {fault.target}: bedrock, {', '.join(SERVICES)}")
    kinds = OF_MODELS if fault.target == "bedrock" else OF_SERVICES
    if fault.kind not in kinds:
        raise OrderError(f"the agent's hook cannot make {fault.kind} of {fault.target}: {', '.join(kinds)}")


def key_of(secret: bytes) -> bytes:
    """The key of orders, made of a secret that serves something else."""
    return hmac.new(secret, _PURPOSE, hashlib.sha256).digest()


def sign(order: Order, key: bytes) -> str:
    """The text of a control's value."""
    body = order.model_dump_json(exclude_none=True).encode()
    return f"{_text(body)}.{_text(hmac.new(key, body, hashlib.sha256).digest())}"


def read(text: str, key: bytes, environment: str, now: datetime) -> Order:
    """The order that was signed with this key for this environment; OrderError says why it is none."""
    body, _, signature = text.partition(".")
    try:
        said, signed = _bytes(body), _bytes(signature)
    except (binascii.Error, ValueError):
        raise OrderError("the order of faults cannot be read: sign it anew") from None
    if not hmac.compare_digest(hmac.new(key, said, hashlib.sha256).digest(), signed):
        raise OrderError("the order of faults is not signed with this environment's key")
    try:
        order = Order.model_validate_json(said)
    except ValidationError as invalid:
        raise OrderError(f"the order of faults: {invalid.errors(include_url=False)[0]['msg']}") from None
    if order.environment != environment:
        raise OrderError(f"the order of faults is for {order.environment}, not {environment}")
    if order.expires_at <= now:
        raise OrderError(f"the order of faults has expired at {order.expires_at:%H:%M:%S %Z}")
    return order


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
