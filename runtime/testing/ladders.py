"""Ladders to test with: that of a region on its own, and the whole one, as if everything were there."""

from contract.ladder import Where, standing
from contract.runtime_settings import LADDER, Rung, RuntimeSettings

REGION, OTHER = "us-east-1", "us-west-2"


def alone() -> RuntimeSettings:
    """What a stack of one region publishes: no units, no other region."""
    return RuntimeSettings(ladder=standing(LADDER, Where(here=REGION)).rungs)


def whole() -> tuple[Rung, ...]:
    """Every rung there is, whatever today's models offer."""
    return tuple(rung.model_copy(update={"region": OTHER}) if rung.region else rung for rung in LADDER)
