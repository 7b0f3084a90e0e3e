"""Facts about AWS regions that are the same for every account: zone ids, prefix lists, AgentCore zones.

One TOML file a region under `contract/regions/`. A zone *id* (use1-az1) means the same place in every
account; a zone *name* (us-east-1a) does not, so nothing here or in the stacks is keyed by name.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent / "regions"


class Region(BaseModel):
    """What a plan needs to know of a region without asking AWS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    zones: tuple[str, ...]
    agentcore_zones: tuple[str, ...]
    prefix_lists: Mapping[str, str]


def known() -> tuple[str, ...]:
    """Names of the regions described here."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def region(name: str) -> Region:
    """The facts of one region; KeyError names the regions that are described."""
    path = FOLDER / f"{name}.toml"
    if name not in known():
        raise KeyError(f"region {name!r} is not described in {FOLDER.name}/: known are {', '.join(known())}")
    return Region(name=name, **tomllib.loads(path.read_text(encoding="utf-8")))
