"""The calendar of known events, and what extra capacity each gets (MOD-3)."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from contract.models import models
from stacks.problems import rule
from stacks.section import Section

LONGEST = timedelta(days=14)
SHORTEST = timedelta(hours=1)
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ")


def _utc(value: Any) -> datetime:
    """Whole minutes in UTC: what a schedule can keep, and what nobody reads in their own time zone."""
    if isinstance(value, datetime):
        return value
    fix = 'write it as text in UTC, such as "2027-07-13T07:00Z"'
    if not isinstance(value, str) or not _UTC.fullmatch(value):
        raise ValueError(fix)
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"is no date: {fix}") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_utc)]


class Event(Section):
    """One known peak. Its units are bought by the hour, without commitment; it may be over."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        max_length=24,
        description="what schedules, messages and the rung call it; one name, one event",
    )
    starts: Moment = Field(description="when traffic rises, in UTC")
    ends: Moment = Field(description="when traffic is back to normal, in UTC; units are withdrawn then")
    model: str = Field(description="key in contract/models.toml")
    variant: str = Field(
        description="context variant that units are granted for; contract/models.toml lists it"
    )
    units: int = Field(gt=0, le=200, description="extra model units, on top of what is there anyway")
    lead_hours: int = Field(
        48,
        ge=1,
        le=48,
        description="hours before starts at which units are bought; less for an event added later than that",
    )
    where: Literal["everywhere", "primary"] = Field(
        "everywhere", description="everywhere: the standby gets the same units, for a failover in the event"
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.model not in models():
            raise rule("model", f"is not in contract/models.toml: use {', '.join(models())}")
        if not self.variant.startswith(f"{models()[self.model].id}:"):
            raise rule(
                "variant", f"is no context variant of {self.model}: {models()[self.model].id}:<context>"
            )
        length = self.ends - self.starts
        if length < SHORTEST:
            raise rule("ends", "must be at least an hour after starts")
        if length > LONGEST:
            raise rule(
                "ends",
                f"is more than {LONGEST.days} days after starts: units for so long are cheaper with a "
                "commitment, or split the event",
            )
        return self

    @property
    def span(self) -> tuple[datetime, datetime, int]:
        """From when to when how many units are there."""
        return self.starts - timedelta(hours=self.lead_hours), self.ends, self.units

    def check_sold_in(self, region: str) -> None:
        """Bedrock sells units of active models only, and only of the variants it lists."""
        offer = models()[self.model].regions.get(region)
        if offer is None or offer.state != "active":
            raise rule(
                "events.calendar", f"{self.name}: {self.model} is not active in {region}: choose another"
            )
        if self.variant not in offer.variants:
            known = ", ".join(offer.variants) or "none yet: what AWS grants on a support case is added there"
            raise rule(
                "events.calendar",
                f"{self.name}: {self.variant} is not under variants of {self.model} in {region} "
                f"(contract/models.toml: {known})",
            )


class Events(Section):
    """Peaks that are known beforehand. Units of events that overlap add up: each buys its own."""

    enabled: bool = Field(
        True,
        description="the machines stand ready, so that an event only adds schedules; off for development",
    )
    calendar: tuple[Event, ...] = Field((), strict=False, description="events by name; none: no extra units")
    drain_s: int = Field(
        300, ge=90, le=3_600, description="seconds between withdrawing a rung and deleting its units"
    )
    log_days: Literal[1, 3, 7, 14, 30, 60, 90, 180, 365] = Field(
        90, description="days the steps of scaling up and down stay in CloudWatch"
    )

    @model_validator(mode="after")
    def _somebody_acts(self) -> Self:
        if self.calendar and not self.enabled:
            raise rule("calendar", "has events, but enabled is false: set enabled: true, or empty it")
        return self

    @model_validator(mode="after")
    def _one_name_one_event(self) -> Self:
        names = [event.name for event in self.calendar]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise rule("calendar", f"names {', '.join(twice)} twice: give each event its own name")
        return self

    def of(self, role: str) -> Sequence[Event]:
        """The events that a region buys units for."""
        return [event for event in self.calendar if role == "primary" or event.where == "everywhere"]

    def check_sold(self, places: Mapping[str, str]) -> None:
        """`places`: role -> region."""
        for role, region in places.items():
            for event in self.of(role):
                event.check_sold_in(region)

    def peak_units(self, model: str) -> int:
        """Most extra units of a model at one moment: the quota to ask for, beyond what is there anyway."""
        spans = [event.span for event in self._for(model)]
        return max(
            (sum(units for starts, ends, units in spans if starts <= at < ends) for at, _, _ in spans),
            default=0,
        )

    def _for(self, model: str) -> Sequence[Event]:
        return [event for event in self.calendar if event.model == model]
