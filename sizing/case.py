"""One question to sizing and all it rests on: a stack, its traffic, what is assumed, quoted and known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from contract.model_access import Provisioned
from sizing import patch, units
from sizing import traffic as traffics
from sizing.assumptions import LARGE, Assumptions
from sizing.bill import compared
from sizing.capacities import Capacities
from sizing.capacity import Need, needs
from sizing.cost import Bought, standing_bill
from sizing.demand import Demand
from sizing.documents import SizingError
from sizing.patch import Peak
from sizing.quotas import Ask, asks
from sizing.quote import Quote, Quotes, usd_a_token
from sizing.target import Target
from sizing.traffic import Event, Floats, Traffic
from stacks import settings as trees
from stacks import stackfile
from stacks.settings import Settings

BASELINE = 4_000.0  # messages a second in an ordinary day's busiest hour: about 3,000 model calls (OPS-6)


def settings_of(stack: str, changes: Mapping[str, str]) -> Settings:
    """The stack's settings with single knobs turned; a wrong one is told as the stack's file would be."""
    found = stackfile.read(stack).changed(changes)
    return trees.parse(found.config, file=found.path.name, lines=found.lines)


@dataclass(frozen=True)
class Case:
    """`ordinary`: days without events, which units are committed for. `events`: known peaks on top.

    `changes`: what `settings` differ in from the stack's file.
    """

    stack: str
    settings: Settings
    ordinary: Traffic
    events: Sequence[Event]
    assumed: Assumptions
    quotes: Quotes
    known: Capacities
    percentile: float = 0.75
    headroom: float = 1.2
    sessions: float | None = None
    changes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.percentile <= 1:
            raise SizingError(f"percentile {self.percentile * 100:g}: must be above 0, and 100 at most")
        names = [event.name for event in self.events]
        if len(set(names)) < len(names):
            raise SizingError(f"events {', '.join(names)}: give each its own name")
        for event in self.events:
            if event.first >= len(self.ordinary.messages):
                hours = len(self.ordinary.messages) / 60
                raise SizingError(f"event {event.name} begins after the traffic ends ({hours:g} hours)")

    @property
    def region(self) -> str:
        return self.settings.regions.primary.name

    @cached_property
    def demand(self) -> Demand:
        """With events."""
        return Demand(traffics.with_events(self.ordinary, self.events), self.assumed)

    @cached_property
    def usual(self) -> Demand:
        """Without."""
        return Demand(self.ordinary, self.assumed)

    @cached_property
    def target(self) -> Target:
        """The busiest minute."""
        return Target.of(self.demand, self.headroom, self.sessions)

    @cached_property
    def needs(self) -> Sequence[Need]:
        return needs(self.target, self.settings, self.known, self.region)

    @cached_property
    def asks(self) -> Sequence[Ask]:
        return asks(self.target, self.needs, self.settings, self.known)

    @cached_property
    def options(self) -> Mapping[str, Sequence[units.Option]]:
        """Model -> ways to pay for its units, where somebody quoted them."""
        return {
            model: units.options(self.usual, model, quote, self.region, self.percentile)
            for model in self.usual.models
            if (quote := self.quotes[model]) is not None
        }

    @cached_property
    def bought(self) -> Bought:
        """The cheapest ways, where units save anything."""
        return Bought(units.by_model(self.options), self.quotes)

    @cached_property
    def held(self) -> Bought:
        """The units that the stack's file has, in its primary region."""
        models = {rung.name: rung.model for rung in self.settings.runtime.ladder}
        options, quotes = dict[str, units.Option](), dict[str, Quote]()
        for rung, way in self.settings.models.capacities("primary").items():
            model = models.get(rung)
            if model is None or not isinstance(way, Provisioned):
                continue
            said = {"tokens_per_minute": float(way.tokens_per_minute), "source": f"Pulumi.{self.stack}.yaml"}
            known = self.quotes[model]
            quotes[model] = (
                known.model_copy(update=said) if known else Quote(**said, as_of=self.ordinary.start.date())
            )
            options[model] = units.option(self.usual, model, quotes[model], self.region, way.term, way.units)
        return Bought(options, Quotes(quotes))

    @property
    def peaks(self) -> Sequence[Peak]:
        """What each event needs of the large model beyond the units that are there anyway."""
        quote = self.quotes[LARGE]
        if quote is None:
            return []
        carries = quote.tokens_per_minute
        option = self.bought.options.get(LARGE)
        left = self.demand.tokens(LARGE, quote.output_weight) - (option.units if option else 0) * carries
        found: dict[str, Peak] = {}
        for event in sorted(self.events, key=lambda event: event.first - event.last):
            span = slice(event.first, event.last)
            needed = np.maximum(left[span], 0.0)
            more = units.covering(needed, carries, self.percentile)
            left[span] -= more * carries  # an event within another finds that one's units there
            found[event.name] = Peak(
                event.name,
                self._at(event.first),
                self._at(event.last),
                LARGE,
                more,
                *self._worth(quote, needed, more),
            )
        return [found[event.name] for event in self.events]

    def _worth(self, quote: Quote, needed: Floats, more: int) -> tuple[float | None, float | None]:
        """What an event's units cost, and what they carry would cost on demand."""
        hour = quote.usd("hourly", LARGE, self.region, self.assumed)
        token = usd_a_token(LARGE, self.region, self.assumed, quote.output_weight)
        hours = patch.LEAD_HOURS + len(needed) / 60
        carried = float(units.served(needed, quote.tokens_per_minute, more).sum())
        return None if hour is None else more * hour * hours, None if token is None else carried * token

    def _at(self, minute: int) -> datetime:
        return self.ordinary.start + timedelta(minutes=minute)

    def patch_usd_an_hour(self) -> tuple[float, Sequence[str]]:
        """What standing by the patch costs more, and what of that nobody has a price for."""
        after = self.changed(patch.changes(self.needs)).settings
        now, then = (
            standing_bill(self.demand, tree, self.known, self.region, None) for tree in (self.settings, after)
        )
        hours = len(self.demand.messages) / 60
        changes = compared(now, then)
        known = sum(change.sure if change.usd is None else change.usd for change in changes)
        return known / hours, list(dict.fromkeys(line.source for one in changes for line in one.unknown))

    def changed(self, changes: Mapping[str, str]) -> "Case":
        """The same question to other settings; what is changed already stays so."""
        changes = {**self.changes, **changes}
        return replace(self, settings=settings_of(self.stack, changes), changes=changes)
