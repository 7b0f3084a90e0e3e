"""The bases of every shape that crosses a room's border."""

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Frozen, and closed: a key nobody knows is an error, not a shrug."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Knobs(Shape):
    """A shape people write by hand: nothing is guessed from another type, and no number is endless."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)
