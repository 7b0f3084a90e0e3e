"""What `concierge size` expects of an environment, as a file that runbooks read (OPS-4).

`throughput-review` holds bought units against it, `cost-spike` the days' bills. Made in `sizing`; who has no
such file goes without.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pydantic import AwareDatetime, Field, ValidationError

from contract.base import Shape
from contract.errors import WrongUseError

FILE = "forecast.json"
LOW_USE, LOW_WEEKS = 0.5, 2  # bought units below half for two weeks: somebody is told (MOD-3)


class ForecastError(WrongUseError):
    """A file that is no forecast."""


class UnitsForecast(Shape):
    """What was decided for one model's units, and how well they should be used."""

    units: int = Field(ge=0)
    percentile: float = Field(gt=0, le=1)
    tokens_per_minute: float = Field(gt=0)
    term: str
    utilisation: float = Field(ge=0, le=1)


class Forecast(Shape):
    """`day_usd`: what a day should cost, by the service's name as Cost Explorer writes it.

    `spread`: the factor that one day in ten exceeds.
    """

    environment: str
    made_on: date
    source: str
    starts: AwareDatetime
    ends: AwareDatetime
    spread: float = Field(ge=1)
    units: Mapping[str, UnitsForecast] = {}
    day_usd: Mapping[str, float] = {}
    model_usd_per_minute: float = Field(0.0, ge=0, description="in the busiest minute, all models together")


def read(path: Path) -> Forecast:
    """The file; ForecastError says what is wrong with it."""
    try:
        return Forecast.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as missing:
        raise ForecastError(
            f"{path}: cannot be read: {missing.strerror}: `concierge size report` writes it"
        ) from None
    except (UnicodeDecodeError, ValidationError) as broken:
        first = str(broken).splitlines()[0]
        raise ForecastError(
            f"{path}: is no forecast ({first}): make it again with `concierge size report`"
        ) from None
