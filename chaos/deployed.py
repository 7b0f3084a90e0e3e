"""One experiment on a deployed environment: our own customers ask, FIS and the hook break, alarms tell.

The runbook is the on-call engineer's: it is named, not run. What was seen is judged as in a rehearsal.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chaos import client, runner, verdict
from chaos.client import Prober
from chaos.faults import Target
from chaos.journal import Event, Journal
from chaos.record import Conditions, Happening, Kind, Record, Second, verdict_of
from chaos.steady_state import Measures, caught
from contract.errors import InconclusiveError, WrongUseError
from contract.faults import Experiment
from contract.tiers import Tier

Tell = Callable[[Kind, str], None]
LEARNS_S, SPAN_S, MOSTLY, FEW = 5.0, 5.0, 0.8, 0.1
_LOOK_EVERY_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where: the agent's public address, its alarms by our words, and CloudWatch to ask about them."""

    host: str
    alarms: Mapping[str, str]
    cloudwatch: Any
    target: Target
    sleep: Callable[[float], None] = time.sleep


def play(experiment: Experiment, place: Place, conditions: Conditions, folder: Path, tell: Tell) -> Record:
    """From the first probe to the record."""
    if experiment.expect.alarm not in place.alarms:
        raise WrongUseError(
            f"experiment {experiment.id}: {conditions.stack} has no alarm {experiment.expect.alarm!r}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    prober = Prober(place.host, min(experiment.traffic.rate, 2.0))
    prober.start()
    try:
        return _Trial(experiment, place, conditions, folder, tell, prober).play()
    finally:
        prober.stop()


class _Trial:
    """One run on its way."""

    def __init__(
        self,
        experiment: Experiment,
        place: Place,
        conditions: Conditions,
        folder: Path,
        tell: Tell,
        prober: Prober,
    ) -> None:
        self._experiment, self._place, self._conditions = experiment, place, conditions
        self._folder, self._teller, self._prober = folder, tell, prober
        self._zero, self._started = time.time(), datetime.now(UTC)
        self._happenings: list[Happening] = []
        self._red_at: float | None = None
        self._looked = 0.0

    def play(self) -> Record:
        traffic, expect = self._experiment.traffic, self._experiment.expect
        self._wait(self._zero + traffic.before_s)
        red_before = [expect.alarm] if self._is_red(expect.alarm) else []
        outcome = runner.run(
            self._experiment,
            self._place.target,
            clock=runner.Guarded(runner.WallClock(), self._look),
            on_event=self._on_event,
            journal=Journal(self._folder / "journal.jsonl"),
        )
        began, over = _span(outcome, time.time())
        while outcome.stages and self._red_at is None and time.time() < began + expect.within_s:
            self._notice()
            self._place.sleep(_LOOK_EVERY_S)
        calm = max(over, time.time())
        well = self._recover(began, calm) if outcome.stages else calm
        self._wait(well + traffic.after_s)
        return self._record(outcome, red_before, (began, over, calm, well))

    def _wait(self, until: float) -> None:
        while time.time() < until:
            self._notice()
            self._place.sleep(min(_LOOK_EVERY_S, max(0.0, until - time.time())))

    def _recover(self, began: float, calm: float) -> float:
        """When people were served as before, or nobody waits for it any longer."""
        until = calm + self._experiment.expect.recovery_s
        while time.time() < until:
            self._notice()
            self._place.sleep(1.0)
            if (after := self._recovered(began, calm)) is not None:
                return calm + after
        return until

    def _look(self) -> None:
        now, limits = time.time(), self._experiment.limits
        for stop in limits.stops:
            value = client.measures(self._prober.seen(now - stop.over_s, now)).get(stop.measure)
            if value is not None and value > stop.above:
                told = f"{stop.measure} was {value:.3g} over {stop.over_s:g} s, above {stop.above:g}"
                raise runner.LimitError(f"stopped: {told}")
        self._notice()

    def _notice(self) -> None:
        """Looks at the alarms, every other second."""
        if time.time() - self._looked < _LOOK_EVERY_S:
            return
        self._looked = time.time()
        for alarm in self._experiment.limits.stop_alarms:
            if alarm in self._place.alarms and self._is_red(alarm):
                raise runner.LimitError(f"stopped: alarm {alarm} is red")
        if self._red_at is None and self._is_red(self._experiment.expect.alarm):
            self._red_at = time.time()
            self._tell("alarm", f"{self._experiment.expect.alarm} is ALARM")

    def _is_red(self, alarm: str) -> bool:
        try:
            answer = self._place.cloudwatch.describe_alarms(AlarmNames=[self._place.alarms[alarm]])
        except (BotoCoreError, ClientError) as error:
            raise InconclusiveError(f"CloudWatch cannot be asked about {alarm}: {error}") from None
        rows = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
        return any(row["StateValue"] == "ALARM" for row in rows)

    def _on_event(self, event: Event) -> None:
        if event.what in {"injected", "cleared", "swept", "failed"}:
            self._tell("fault", f"{event.what}: {event.text}")

    def _tell(self, kind: Kind, text: str) -> None:
        self._happenings.append(Happening(at_s=round(time.time() - self._zero, 1), kind=kind, text=text))
        self._teller(kind, text)

    def _record(
        self, outcome: runner.Outcome, red_before: list[str], times: tuple[float, float, float, float]
    ) -> Record:
        """`times`: when it was first broken, whole again, given back to people, and as before."""
        expect = self._experiment.expect
        began, over, calm, well = times
        calm_before, met = caught(
            self._prober.seen(self._zero, began), began, lambda one: one.due + one.over_ms / 1_000
        )
        seen = verdict.Seen(
            outcome=outcome,
            measures=Measures(
                before=client.measures(calm_before),
                during=client.measures([*met, *self._prober.seen(began, over)]),
                after=client.measures(self._prober.seen(well)),
            ),
            injections=(),
            alarm_after_s=None if self._red_at is None else self._red_at - began,
            led_to=expect.runbook,
            red_before=red_before,
            other_alarms=(),
            still_red=[expect.alarm] if self._is_red(expect.alarm) else [],
            tier_share=self._share(expect.tier, began + LEARNS_S, over),
            recovered_after_s=self._recovered(began, calm),
            runbooks=None,
            left=len(self._place.target.active()),
        )
        gates = verdict.gates(self._experiment, seen)
        return Record(
            experiment=self._experiment,
            conditions=self._conditions,
            started_at=self._started,
            ended_at=datetime.now(UTC),
            verdict=verdict_of(gates),
            gates=gates,
            outcome=outcome,
            measures=verdict.as_data(seen.measures),
            seconds=self._seconds(),
            happenings=tuple(self._happenings),
        )

    def _share(self, tier: Tier, begin: float, end: float) -> float | None:
        answered = [one for one in self._prober.seen(begin, end) if one.tier is not None]
        return sum(one.tier == tier for one in answered) / len(answered) if answered else None

    def _recovered(self, began: float, since: float) -> float | None:
        """Seconds until nearly as many as before `began` have the first tier, and hardly any a lower one."""
        usual = self._share(Tier.T0, self._zero, began)
        after = 0.0
        while usual and since + after + SPAN_S <= time.time():
            span = since + after, since + after + SPAN_S
            share = self._share(Tier.T0, *span)
            elsewhere = [self._share(tier, *span) or 0.0 for tier in (Tier.STANDBY, Tier.T2)]
            well = share is not None and share >= MOSTLY * usual and sum(elsewhere) <= FEW
            if well and not any(one.error for one in self._prober.seen(*span)):
                return after
            after += 1.0
        return None

    def _seconds(self) -> tuple[Second, ...]:
        rows: dict[int, list[client.Answer]] = {}
        for one in self._prober.seen():
            rows.setdefault(int(one.due - self._zero), []).append(one)
        return tuple(_second(at, some) for at, some in sorted(rows.items()))


def _second(at: int, some: Sequence[client.Answer]) -> Second:
    tiers = Counter(one.tier for one in some if one.tier)
    return Second(
        at_s=at,
        messages=len(some),
        failed=sum(one.error is not None for one in some),
        first_token_p95_ms=client.measures(some)["first_token_p95_ms"],
        tiers=dict(tiers),
    )


def _span(outcome: runner.Outcome, now: float) -> tuple[float, float]:
    """When it began to be broken, and when it was whole again."""
    began = min((ran.started_at.timestamp() for ran in outcome.stages), default=now)
    return began, max((ran.ended_at.timestamp() for ran in outcome.stages), default=now)
