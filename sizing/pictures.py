"""Which pictures a sizing has, and from what: capacity and demand, bill, tornado, knee, who answered."""

from collections.abc import Sequence

import numpy as np

from sizing import drawing, units
from sizing.assumptions import LARGE
from sizing.bill import Bill
from sizing.case import Case
from sizing.sampled import LOST
from sizing.simulate import Simulated
from sizing.traffic import MINUTE_S, Floats

POINTS = 480  # along an axis; more cannot be seen
SMALL = 0.01  # of the bill: parts below it are drawn as one


def demand(case: Case) -> str:
    """Messages a second with their band, and what the stack carries now."""
    low, high = case.demand.traffic.band()
    hours, values = _thin(case.demand.messages / MINUTE_S)
    carried = float(case.settings.gateway.websocket.messages_per_second)
    series = {"messages": list(values), "gateway's limit now": [carried] * len(hours)}
    if carried > 3 * max(_thin(high.messages / MINUTE_S)[1]):
        del series["gateway's limit now"]
    return drawing.lines(
        "What comes",
        hours,
        series,
        x_title="hours",
        y_title="messages a second, with the band of eight in ten",
        band=(list(_thin(low.messages / MINUTE_S)[1]), list(_thin(high.messages / MINUTE_S)[1])),
        dashed=["gateway's limit now"],
    )


def tokens(case: Case) -> str:
    """Tokens of the large model over the event, and what units carry of them."""
    quote, option = case.quotes[LARGE], case.bought.options.get(LARGE)
    weight = quote.output_weight if quote else 1.0
    hours, values = _thin(case.demand.tokens(LARGE, weight))
    series = {"tokens a minute": list(values)}
    if quote and option:
        base = option.units * quote.tokens_per_minute
        planned = np.full(len(case.demand.messages), base)
        for peak, event in zip(case.peaks, case.events, strict=True):
            planned[event.first : event.last] += peak.units * quote.tokens_per_minute
        series[f"units (P{case.percentile * 100:g}), with those for events"] = list(_thin(planned)[1])
    return drawing.lines(
        f"Capacity and demand: {LARGE}",
        hours,
        series,
        x_title="hours",
        y_title="tokens a minute; what is above the units overflows to on demand",
        dashed=[name for name in series if name.startswith("units")],
    )


def bill(found: Bill, days: float) -> str:
    """The bill of a day: by part, and what each model option of paying would make of it."""
    whole = found.usd or 1.0
    parts: dict[str, float] = {}
    for part, usd in found.by_part().items():
        name = part if usd / whole >= SMALL else "everything else"
        parts[name] = parts.get(name, 0.0) + usd / days
    rows = [("all of it", parts), *((name, {name: usd}) for name, usd in parts.items())]
    return drawing.bars("What a day costs, by part", rows, "$")


def tornado(case: Case) -> str | None:
    """How the saving moves; None where nobody quoted units."""
    quote, option = case.quotes[LARGE], case.bought.options.get(LARGE)
    if quote is None or option is None or option.saving is None:
        return None
    found = units.sensitivity(case.usual, LARGE, quote, case.region, case.percentile, option.term)
    rows = [(one.what, one.low, one.saving_low * 100, one.high, one.saving_high * 100) for one in found]
    return drawing.tornado(
        f"Saving against pure on demand ({option.term}, P{case.percentile * 100:g}): one thing at a time",
        option.saving * 100,
        rows,
        " %",
    )


def knee(points: Sequence[tuple[float, float, float]], title: str) -> str:
    """(messages a second, p95 to the first text in s, share answered by a model or a cache)."""
    across = [rate for rate, _, _ in points]
    return drawing.lines(
        title,
        across,
        {
            "share answered in full": [share for _, _, share in points],
            "first text p95 in s": [late for _, late, _ in points],
        },
        x_title="messages a second",
        y_title="",
    )


def answered(found: Simulated) -> str:
    """Who answered, minute by minute."""
    seconds, shares = found.over_time()
    shares = {rung: shares[rung] for rung in sorted(shares, key=_worse)}
    return drawing.layers(
        "Who answers",
        [second / 60 for second in seconds],
        {rung: [float(share) * 100 for share in values] for rung, values in shares.items()},
        x_title="minutes",
        y_title="per cent of the messages that came",
    )


def _worse(rung: str) -> tuple[int, str]:
    """The best answers first, none last."""
    last = ("cache", "template", "canned", "closed", LOST)
    return (last.index(rung) + 1 if rung in last else 0, rung)


def _thin(values: Floats) -> tuple[list[float], Floats]:
    """Hours, and the most of each stretch."""
    step = max(1, len(values) // POINTS)
    count = len(values) // step
    return [number * step / 60 for number in range(count)], values[: count * step].reshape(count, step).max(
        axis=1
    )
