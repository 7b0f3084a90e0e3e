"""What an operator may turn during an incident (design: controls). One small document per environment.

Each control says who turned it, why, and until when; an expired one counts as not turned. The runtime reads
the document every few seconds and keeps the last good one when a new one cannot be read.
"""

from datetime import datetime
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import AwareDatetime, Field, StrictBool, StrictStr, ValidationError

from contract.base import Shape
from contract.errors import WrongUseError
from contract.tiers import Tier

V = TypeVar("V")


class ControlsError(WrongUseError):
    """A controls document that cannot be used."""


class Control(Shape, Generic[V]):
    """One turned knob."""

    value: V
    who: str = Field(min_length=1)
    why: str = Field(min_length=1)
    expires_at: AwareDatetime


Share = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]


class Controls(Shape):
    """The whole document. Nothing turned is the normal state."""

    forced_tier: Control[Tier] | None = None
    haiku_threshold: Control[Share] | None = None
    canned_first: Control[StrictBool] | None = None
    cache_mode: Control[Literal["normal", "aggressive", "off"]] | None = None
    banner: Control[StrictStr] | None = None
    widget: Control[StrictBool] | None = None
    region: Control[StrictStr] | None = None
    faults: Control[StrictStr] | None = None  # a signed order (contract.fault_orders), for experiments

    def active(self, now: datetime) -> Self:
        """The same document without what has expired."""
        turned = {name: getattr(self, name) for name in type(self).model_fields}
        return self.model_copy(
            update={name: None for name, control in turned.items() if control and control.expires_at <= now}
        )

    def next_end(self) -> datetime | None:
        """When the first of what is turned expires."""
        turned = (getattr(self, name) for name in type(self).model_fields)
        return min((control.expires_at for control in turned if control), default=None)


def parse(text: str) -> Controls:
    """A document from its JSON text; ControlsError says which key is wrong."""
    try:
        return Controls.model_validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise ControlsError(f"controls: {place}: {first['msg']}") from None


def render(controls: Controls) -> str:
    """The JSON text that `parse` reads; what is not turned is left out."""
    return controls.model_dump_json(exclude_none=True)
