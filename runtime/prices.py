"""What a token costs on a rung, from the price table of the rung's region: dollars per million tokens.

Units are paid by the hour, used or not: a token on them counts as what it would cost on demand. What a
service tier costs more or less is not in the table, and not counted.
"""

from collections.abc import Callable, Sequence

from contract import prices
from contract.models import models
from contract.runtime_settings import Rung
from runtime.telemetry import Telemetry

Price = Callable[[Rung], tuple[float, float]]  # dollars per input token, per output token


def token_prices(ladder: Sequence[Rung], region: str, telemetry: Telemetry) -> Price:
    """Prices of the ladder's rungs, and of extra ones of the same models. `region`: that of the runtime.

    A missing price is said once and counts as nothing.
    """
    called = {(rung.model, rung.region or region) for rung in ladder if rung.model is not None}
    table = {
        (key, place): (
            _per_token(models()[key].input_price, place, telemetry),
            _per_token(models()[key].output_price, place, telemetry),
        )
        for key, place in sorted(called)
    }

    def price(rung: Rung) -> tuple[float, float]:
        return table[rung.model or "", rung.region or region]

    return price


def _per_token(row: str, region: str, telemetry: Telemetry) -> float:
    try:
        price = prices.table().price(row, region)
    except KeyError:
        price = None
    if price is None:
        telemetry.log("error", "a price is missing, CostUsd leaves it out", row=row, region=region)
        return 0.0
    return float(price.usd) / 1_000_000
