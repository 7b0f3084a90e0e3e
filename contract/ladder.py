"""The ladder as it stands in one region: what a stack publishes, of all that `runtime.ladder` asks for.

A rung may need what a region has not: units that were bought, an estate with two regions, a service tier that
the model offers there. An optional one is then left out, and any other refused; nothing here knows a stack.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from contract.models import Model, models
from contract.runtime_settings import STANDBY, Rung


class LadderError(ValueError):
    """A rung that cannot be called where it must be."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """A region. `other`: the second one of its estate; `units`: rungs with units of their own."""

    here: str
    other: str | None = None
    units: Collection[str] = ()


class Standing(NamedTuple):
    """Rungs with their regions filled in, and why each of the others is left out."""

    rungs: tuple[Rung, ...]
    left_out: Mapping[str, str]


def standing(ladder: Iterable[Rung], where: Where, table: Mapping[str, Model] | None = None) -> Standing:
    """Raises LadderError for a rung that is not optional. `table`: known models."""
    rungs: list[Rung] = []
    left_out: dict[str, str] = {}
    for rung in ladder:
        why = _lacking(rung, where, table or models())
        if why is None:
            rungs.append(rung.model_copy(update={"region": where.other}) if rung.region else rung)
        elif rung.optional:
            left_out[rung.name] = why
        else:
            raise LadderError(f"rung {rung.name}: {why}; or let it be optional: true")
    return Standing(tuple(rungs), left_out)


def _lacking(rung: Rung, where: Where, table: Mapping[str, Model]) -> str | None:
    """What the rung needs and has not, with the fix."""
    if rung.region is not None:
        if where.other is None:
            return "there is no other region: give the estate a standby"
        if rung.region not in {STANDBY, where.other}:
            return f"nothing of this estate stands in {rung.region}: write region: standby"
        if rung.provisioned:
            return "units are called in their own region: leave region or provisioned out"
    if rung.provisioned and rung.name not in where.units:
        return f"no units were bought for it: write models.access.{rung.name}.provisioned"
    return _not_offered(rung, where, table)


def _not_offered(rung: Rung, where: Where, table: Mapping[str, Model]) -> str | None:
    region = where.here if rung.region is None else where.other or ""
    model = table.get(rung.model or "")
    offer = model.regions.get(region) if model else None
    tiers = offer.service_tiers if offer else ()
    if rung.service_tier not in {None, "default", *tiers}:
        return f"{rung.model} has no service tier {rung.service_tier} in {region}: leave service_tier out"
    if rung.latency == "optimized" and not (offer and offer.latency_optimized):
        return f"{rung.model} is not latency-optimized in {region}: leave latency out"
    return None
