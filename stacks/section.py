"""The base of every part of the settings tree. What the parts say is in `stacks.settings`."""

from pydantic import ConfigDict

from contract.base import Knobs


class Section(Knobs):
    """A part of the tree: frozen, strict, and closed against keys nobody reads."""

    model_config = ConfigDict(validate_default=True)
