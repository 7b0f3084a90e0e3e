"""What was decided, as the stack file would say it: changes for `plan`, and YAML for a person to copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from contract.models import models
from sizing.capacity import Need
from sizing.quote import Quote
from stacks.sections.events import Event
from stacks.stackfile import NAMESPACE

LEAD_HOURS = int(Event.model_fields["lead_hours"].default)
VARIANT_LATER = "AWS names the variant with the grant; put it under variants in contract/models.toml first"


def changes(needs: Sequence[Need]) -> Mapping[str, str]:
    """Setting -> value as `plan.run(changes=...)` takes it; what is large enough already is left alone."""
    return {need.key: _text(need.needed) for need in needs if need.change}


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}" if value % 1 else str(int(value))


@dataclass(frozen=True)
class Peak:
    """A known event, and the units of a model it needs beyond those that are there anyway.

    `usd`: what they cost by the hour, from when they are bought. `spared_usd`: what they carry, on demand.
    """

    name: str
    starts: datetime
    ends: datetime
    model: str
    units: int
    usd: float | None = None
    spared_usd: float | None = None

    @property
    def worth(self) -> str:
        """Whether they are for the money or for the throughput."""
        if self.usd is None or self.spared_usd is None:
            return "what they cost is unknown"
        bought = f"${self.usd:,.0f} by the hour, bought {LEAD_HOURS} h before"
        if self.usd <= self.spared_usd:
            return f"{bought}; spare ${self.spared_usd:,.0f} on demand"
        return (
            f"{bought}; spare only ${self.spared_usd:,.0f} on demand: buy them where that throughput is not "
            "granted on demand, not to save"
        )

    @property
    def span(self) -> str:
        return f"{self.starts:%Y-%m-%dT%H:%MZ} to {self.ends:%Y-%m-%dT%H:%MZ}"

    def entry(self, region: str) -> Mapping[str, Any] | None:
        """The calendar's row; None while no context variant of the model is known in the region."""
        variants = models()[self.model].regions[region].variants
        if not variants or self.units < 1:
            return None
        return {
            "name": self.name,
            "starts": f"{self.starts:%Y-%m-%dT%H:%MZ}",
            "ends": f"{self.ends:%Y-%m-%dT%H:%MZ}",
            "model": self.model,
            "variant": variants[0],
            "units": self.units,
        }


def text(needs: Sequence[Need], peaks: Sequence[Peak], quotes: Mapping[str, Quote], region: str) -> str:
    """The part of `Pulumi.<stack>.yaml` that changes, to be merged; what cannot be yet is a comment."""
    tree: dict[str, Any] = {}
    for key, value in changes(needs).items():
        _put(tree, key, yaml.safe_load(value))
    rows = [row for peak in peaks if (row := peak.entry(region)) is not None]
    if rows:
        _put(tree, "events.calendar", rows)
    document = {"config": {f"{NAMESPACE}:{section}": value for section, value in tree.items()}}
    body = yaml.safe_dump(document, sort_keys=False, width=100) if tree else "config: {}\n"
    return "".join([_HEAD, *(_later(peak, quotes) for peak in peaks if peak.entry(region) is None), body])


_HEAD = "# Made by `concierge size capacity`: merge it into the stack's file, and plan it.\n"


def _later(peak: Peak, quotes: Mapping[str, Quote]) -> str:
    if peak.units < 1:
        return f"# events.calendar: {peak.name} needs no further units of {peak.model}.\n"
    carries = quotes[peak.model].tokens_per_minute
    return (
        f"# events.calendar: {peak.name} needs {peak.units} more units of {peak.model} "
        f"({carries:,.0f} tokens a minute each), {peak.span}.\n# {peak.worth}.\n# {VARIANT_LATER}.\n"
    )


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for step in path:
        tree = tree.setdefault(step, {})
    tree[last] = value
