"""Whether a run counts, and whether it passed: exit code and the lines a person reads. Pure.

First of all the measuring itself is judged: a generator that was late, or a schedule that was not walked to
its end, shows nothing about the system, however good or bad the figures look.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contract.errors import DONE, FAILED, INCONCLUSIVE
from loadtests.samples import Percentiles, Summary, Times
from loadtests.scenario import Gates, Scenario

_MOST_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run came to."""

    exit_code: int
    lines: tuple[str, ...]


def judge(scenario: Scenario, planned: int, found: Summary, lag_ms: Percentiles | None) -> Verdict:
    """Of a run of `planned` messages; `lag_ms`: how late the generator was in keeping its own times."""
    invalid = tuple(_doubts(scenario, planned, found, lag_ms))
    failed = tuple(_breaches(scenario.gates, found))
    if invalid:
        code, words = INCONCLUSIVE, ("inconclusive", *invalid)
    elif failed:
        code, words = FAILED, ("failed", *failed)
    else:
        code, words = DONE, ("passed",)
    return Verdict(code, (*_figures(scenario, planned, found, lag_ms), f"verdict: {'; '.join(words)}"))


def _doubts(scenario: Scenario, planned: int, found: Summary, lag_ms: Percentiles | None) -> Iterator[str]:
    if lag_ms is not None and lag_ms.p99 > scenario.lag_limit_ms:
        yield (
            f"the generator itself was late (p99 {lag_ms.p99:.1f} ms, lag_limit_ms "
            f"{scenario.lag_limit_ms:g}): "
            "give it an idle core, or more workers"
        )
    if not planned:
        yield "no message was due: make it longer"
    if found.count < planned:
        yield f"only {found.count} of {planned} messages came to an end: let the schedule run out"


def _breaches(gates: Gates, found: Summary) -> Iterator[str]:
    if found.failed_share > gates.failed_share:
        failed, gate = _percent(found.failed_share), _percent(gates.failed_share)
        yield f"{failed} of messages failed (failed_share {gate})"
    first = found.answered.first_token_ms
    if first is not None and first.p95 > gates.first_token_p95_ms:
        yield f"first token p95 {first.p95:.0f} ms (first_token_p95_ms {gates.first_token_p95_ms:g})"
    if found.sequence_gaps > gates.sequence_gaps:
        yield f"{found.sequence_gaps} sequence gaps (sequence_gaps {gates.sequence_gaps})"


def _figures(scenario: Scenario, planned: int, found: Summary, lag_ms: Percentiles | None) -> Iterator[str]:
    good = scenario.good
    yield (
        f"{scenario.name}: {found.count} of {planned} messages in {scenario.length_s:g} s, "
        f"{_percent(found.failed_share)} failed, {_percent(found.goodput)} good "
        f"(first token in {good.first_token_ms:g} ms, end in {good.end_to_end_ms:g} ms)"
    )
    yield _cells("tier", "answers", ("first token p50", "p95", "p99", "end p50", "p95", "p99")) + "  (ms)"
    for tier, times in found.tiers.items():
        yield _row(tier, times)
    yield _row("all", found.answered)
    yield (
        f"sequence gaps {found.sequence_gaps}, corrections {found.corrections}, "
        f"ended twice {found.ended_twice}; "
        f"sent late p99 {_ms(found.late_ms)}, generator lag p99 {_ms(lag_ms)}"
    )
    for error, count in [*found.errors.items()][:_MOST_ERRORS]:
        yield f"{count:>6} x {error}"
    if len(found.errors) > _MOST_ERRORS:
        yield f"       and {len(found.errors) - _MOST_ERRORS} other kinds of error"


def _row(name: str, times: Times) -> str:
    return _cells(name, str(times.count), (*_rounded(times.first_token_ms), *_rounded(times.end_to_end_ms)))


def _cells(name: str, count: str, values: Sequence[str]) -> str:
    widths = (18, 8, 8, 12, 8, 8)
    columns = "".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True))
    return f"{name:<10}{count:>8}{columns}"


def _rounded(found: Percentiles | None) -> tuple[str, str, str]:
    if found is None:
        return "-", "-", "-"
    return f"{found.p50:.0f}", f"{found.p95:.0f}", f"{found.p99:.0f}"


def _ms(found: Percentiles | None) -> str:
    return "-" if found is None else f"{found.p99:.1f} ms"


def _percent(share: float) -> str:
    return f"{share * 100:.2f} %"
