"""The base of every part of the settings tree. What the parts say is in `stacks.settings`."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the tree: frozen, and closed against keys nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)
