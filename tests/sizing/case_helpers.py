"""What tests of sizing begin with: prod as it is, a day, and the assumptions of this checkout."""

from functools import cache

from sizing import assumptions, capacities, quote, traffic
from sizing.case import Case, settings_of
from sizing.measured import Measured
from sizing.quote import Quote
from sizing.recording import known
from sizing.traffic import Traffic
from stacks.settings import Settings

REGION = "us-east-1"


@cache
def prod() -> Settings:
    return settings_of("prod", {})


@cache
def measured() -> Measured:
    return Measured.of(known("calibration"))


def sonnet_quote() -> Quote:
    told = quote.assumed_quotes()["sonnet"]
    assert told is not None
    return told


def known_usd(value: float | None) -> float:
    """A sum that must be known."""
    assert value is not None
    return value


def day(peak: float = 4_000.0) -> Traffic:
    assumed = assumptions.usual()
    return traffic.of_day(assumed.hours, peak, assumed.spread)


def case(ordinary: Traffic | None = None, **given) -> Case:
    told = {"events": (), "quotes": quote.assumed_quotes(), **given}
    return Case(
        stack="prod",
        settings=prod(),
        ordinary=ordinary or day(),
        assumed=assumptions.usual(),
        known=capacities.usual(),
        **told,
    )
