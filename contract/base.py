"""The one base of every shape that crosses a room's border."""

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Frozen, and closed: a key nobody knows is an error, not a shrug."""

    model_config = ConfigDict(frozen=True, extra="forbid")
