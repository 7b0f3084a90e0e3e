"""What a token costs, from the price table: rows are dollars per million tokens."""

from collections.abc import Callable, Sequence

from contract import prices
from contract.models import models
from contract.runtime_settings import Rung
from runtime.telemetry import Telemetry

Price = Callable[[str], tuple[float, float]]  # model key -> dollars per input token, per output token


def token_prices(ladder: Sequence[Rung], region: str, telemetry: Telemetry) -> Price:
    """Prices of the ladder's models. A missing one is said once and counts as nothing."""
    keys = {rung.model for rung in ladder if rung.model is not None}
    table = {
        key: (
            _per_token(models()[key].input_price, region, telemetry),
            _per_token(models()[key].output_price, region, telemetry),
        )
        for key in sorted(keys)
    }
    return table.__getitem__


def _per_token(row: str, region: str, telemetry: Telemetry) -> float:
    try:
        price = prices.table().price(row, region)
    except KeyError:
        price = None
    if price is None:
        telemetry.log("error", "a price is missing, CostUsd leaves it out", row=row, region=region)
        return 0.0
    return float(price.usd) / 1_000_000
