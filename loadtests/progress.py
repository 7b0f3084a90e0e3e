"""How a run is going, in one line: what is due and served, how quickly, by whom, and how the generator
fares. Pure."""

from loadtests import profile
from loadtests.run import Run
from loadtests.tally import Cell

_LOOK_BACK_S = 5.0


def line(run: Run, elapsed_s: float) -> str:
    """Of the last seconds, which a person compares with the line above."""
    tally, pieces = run.tally, run.scenario.segments
    # Only stretches that are over: the one under way has not all of its answers yet.
    last = int(elapsed_s // tally.bin_s)
    bins = range(max(0, last - max(1, round(_LOOK_BACK_S / tally.bin_s))), last)
    begin, end = bins.start * tally.bin_s, bins.stop * tally.bin_s
    cell, tiers = Cell(), dict[str, int]()
    for key, one in tally.cells.items():
        if key.bin in bins:
            cell.merge(one)
            tiers[key.tier] = tiers.get(key.tier, 0) + one.messages
    span = max(tally.bin_s, end - begin)
    due = profile.expected(pieces, begin, end) / span
    served = sum(tally.done[number] for number in bins) / span
    shares = " ".join(f"{tier} {count / cell.messages:.0%}" for tier, count in sorted(tiers.items()))
    lag = tally.lag.at(0.99)
    return "  ".join(
        part
        for part in (
            f"{int(elapsed_s) // 60:d}:{int(elapsed_s) % 60:02d}",
            profile.stage_at(pieces, elapsed_s)[:16].ljust(16),
            f"due {due:,.1f}/s",
            f"served {served:,.1f}/s",
            f"first token p95 {_ms(cell.first_token.at(0.95))}",
            f"failed {cell.failed / cell.messages:.1%}" if cell.messages else "failed -",
            shares,
            f"lag {_ms(lag)}",
        )
        if part
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms"
