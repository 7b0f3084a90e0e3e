"""Whether a run counts, and whether it passed: exit code and the lines a person reads. Pure.

First of all the measuring itself is judged: a generator that was late, a worker that was lost, or a
schedule that was not walked to its end, shows nothing about the system, however good or bad the figures look.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contract.errors import DONE, FAILED, INCONCLUSIVE
from loadtests import knee
from loadtests.gates import Gate
from loadtests.histogram import Histogram
from loadtests.run import Run
from loadtests.tally import Cell, Tally

_MOST_ERRORS = 5
WORDS = {DONE: "passed", FAILED: "failed", INCONCLUSIVE: "invalid"}


@dataclass(frozen=True, slots=True)
class Held:
    """A gate with what was measured; None where nothing was."""

    gate: Gate
    value: float | None

    @property
    def held(self) -> bool | None:
        """Whether it holds; None: it could not be told."""
        return None if self.value is None else self.gate.holds(self.value)

    @property
    def words(self) -> str:
        """`failed rate < 1%: 0.20%`."""
        measured = "nothing to measure" if self.value is None else self.gate.shown(self.value)
        return f"{self.gate.text}: {measured}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run came to. `doubts`: why it is invalid."""

    exit_code: int
    lines: tuple[str, ...]
    gates: tuple[Held, ...] = ()
    doubts: tuple[str, ...] = ()


def judge(run: Run) -> Verdict:
    """Of a whole run."""
    gates = tuple(Held(gate, measured(run.tally, gate)) for gate in run.scenario.judged)
    doubts = tuple(_doubts(run))
    failed = [gate.words for gate in gates if gate.held is False]
    untold = [gate.words for gate in gates if gate.held is None]
    if doubts:
        code, words = INCONCLUSIVE, ("invalid", *doubts)
    elif failed:
        code, words = FAILED, ("failed", *failed)
    elif untold:
        code, words = INCONCLUSIVE, ("inconclusive", *untold)
    else:
        code, words = DONE, ("passed",)
    return Verdict(code, (*_figures(run, gates), f"verdict: {'; '.join(words)}"), gates, doubts)


def broken(run: Run, after_s: float) -> Held | None:
    """A gate that ends the run now, `after_s` seconds after its beginning."""
    for gate in run.scenario.judged:
        if gate.abort_after_s is not None and after_s >= gate.abort_after_s:
            found = Held(gate, measured(run.tally, gate))
            if found.held is False:
                return found
    return None


def measured(tally: Tally, gate: Gate) -> float | None:
    """The figure that a gate is about; None where there is nothing to measure."""
    if gate.kind == "time":
        return _time(tally, gate)
    cell = tally.select(gate.where)
    if gate.measure == "cost_per_resolved":
        return tally.cost_per_resolved
    if gate.kind == "money":
        return cell.usd / cell.messages if cell.messages else None
    count = _count(tally, cell, gate)
    if gate.statistic == "count":
        return float(count)
    others = {name: value for name, value in gate.where.items() if gate.measure != "served" or name != "tier"}
    of = tally.connect.count + count if gate.measure == "unconnected" else tally.select(others).messages
    return count / of if of else None


def _time(tally: Tally, gate: Gate) -> float | None:
    if gate.measure in {"connect", "lag"}:
        times: Histogram = getattr(tally, gate.measure)
    else:
        times = getattr(tally.select(gate.where), gate.measure)
    if gate.quantile is not None:
        return times.at(gate.quantile)
    return times.mean if gate.statistic == "mean" else times.highest


def _count(tally: Tally, cell: Cell, gate: Gate) -> int:
    match gate.measure:
        case "unconnected":
            return tally.unconnected.total()
        case "connects":
            return tally.connect.count
        case "goodput":
            return cell.good
        case "served":
            return cell.messages if "tier" in gate.where else cell.messages - cell.failed
        case measure:
            return int(getattr(cell, measure))


def _doubts(run: Run) -> Iterator[str]:
    scenario, found, lag = run.scenario, run.tally.select().messages, run.tally.lag.at(0.99)
    if run.health.problem is not None:
        yield run.health.problem
    for worker in run.health.lost:
        yield f"worker {worker} was lost, and what it had seen since its last report: run it again"
    if lag is not None and lag > scenario.lag_limit_ms:
        yield (
            f"the generator itself was late (p99 {lag:.1f} ms, lag_limit_ms {scenario.lag_limit_ms:g}): "
            "give it an idle core, or more workers"
        )
    if not run.planned:
        yield "no message was due: make it longer"
    if found < run.planned and run.health.aborted_by is None and not run.health.lost:
        yield f"only {found} of {run.planned} messages came to an end: let the schedule run out"


def _figures(run: Run, gates: Sequence[Held]) -> Iterator[str]:
    scenario, tally = run.scenario, run.tally
    everything, good = tally.select(), scenario.good
    yield (
        f"{scenario.name}: {everything.messages} of {run.planned} messages in {scenario.length_s:g} s, "
        f"{_share(everything.failed, everything)} failed, {_share(everything.good, everything)} good "
        f"(first token in {good.first_token_ms:g} ms, end in {good.end_to_end_ms:g} ms)"
    )
    yield _cells("tier", "answers", ("first token p50", "p95", "p99", "end p50", "p95", "p99")) + "  (ms)"
    for tier, cell in tally.by("tier").items():
        if cell.end_to_end.counts:
            yield _row(tier, cell)
    yield _row("all", everything)
    gap, late, lag = (_p99(times) for times in (everything.chunk_gap, everything.late, tally.lag))
    yield (
        f"sequence gaps {everything.sequence_gaps}, corrections {everything.corrections}, "
        f"ended twice {everything.ended_twice}, asked again {everything.resends}, "
        f"stalls {everything.stalls}, chunk gap p99 {gap}; sent late p99 {late}, generator lag p99 {lag}"
    )
    per_resolved = tally.cost_per_resolved
    yield (
        f"cost ${everything.usd / max(1, everything.messages):.5f} a message"
        + (f", ${per_resolved:.5f} a resolved conversation" if per_resolved is not None else "")
        + f"; {tally.resolved} of {tally.conversations} conversations resolved"
    )
    for error, count in tally.errors.most_common(_MOST_ERRORS):
        yield f"{count:>6} x {error}"
    if len(tally.errors) > _MOST_ERRORS:
        yield f"       and {len(tally.errors) - _MOST_ERRORS} other kinds of error"
    if run.health.aborted_by is not None:
        yield f"ended early by its gate: {run.health.aborted_by}"
    if scenario.knee:
        yield f"knee: {knee.find(run).words}"
    for gate in gates:
        mark = {True: "held", False: "FAILED", None: "not told"}[gate.held]
        yield f"{mark:>8}  {gate.words}"


def _row(name: str, cell: Cell) -> str:
    return _cells(name, str(cell.end_to_end.count), (*_rounded(cell.first_token), *_rounded(cell.end_to_end)))


def _cells(name: str, count: str, values: Sequence[str]) -> str:
    widths = (18, 8, 8, 12, 8, 8)
    columns = "".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True))
    return f"{name:<10}{count:>8}{columns}"


def _rounded(times: Histogram) -> tuple[str, str, str]:
    p50, p95, p99 = ("-" if (value := times.at(q)) is None else f"{value:.0f}" for q in (0.5, 0.95, 0.99))
    return p50, p95, p99


def _p99(times: Histogram) -> str:
    return "-" if (value := times.at(0.99)) is None else f"{value:.1f} ms"


def _share(count: int, of: Cell) -> str:
    return f"{count / max(1, of.messages) * 100:.2f} %"
