"""The runbook catalogue (OPS-4): every incident that has, or will have, a script. Data in `runbooks.toml`.

An alarm links an id of this catalogue; the script `runbooks/<id with underscores>.py` may come later, and a
test lists those that are still missing.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from contract.base import Shape


class RunbookEntry(Shape):
    """One line of the catalogue."""

    id: str
    title: str
    incident: str
    owner: str

    @property
    def module(self) -> str:
        """Name of the script's module in `runbooks/`."""
        return self.id.replace("-", "_")


@cache
def catalogue() -> Mapping[str, RunbookEntry]:
    """Id -> entry."""
    rows = tomllib.loads(Path(__file__).with_name("runbooks.toml").read_text(encoding="utf-8"))
    return {key: RunbookEntry(id=key, **row) for key, row in rows.items()}
