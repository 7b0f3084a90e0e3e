"""One experiment from its first message to its record: people, faults, somebody on call, and calm again."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos import runner
from chaos.journal import Event, Journal
from chaos.record import Conditions, Happening, Kind, Record
from contract.errors import InconclusiveError, WrongUseError
from contract.faults import Experiment
from rehearsal.alarms import Judge, JudgedAlarm, Transition
from rehearsal.evidence import Window
from rehearsal.metrics import MetricStore
from rehearsal.operator import Operator
from rehearsal.processes import Processes
from rehearsal.story_clock import StoryClock
from rehearsal.trial import judging, people
from rehearsal.trial.doors import Doors
from rehearsal.trial.ground import Ground
from rehearsal.trial.people import People
from rehearsal.trial.watching import SETTLE_S, Watching
from runbooks import engine

Tell = Callable[[Kind, str], None]
GREEN_S = 360.0  # of the alarms' clock: five minutes that count, and one that has begun
SETTLED_MS = 1_000.0  # late by less: everybody is there
BEGIN_S, WARM_S, WARM_LONGEST_S, SPARE_S = 60.0, 6.0, 40.0, 90.0
# On the alarms' clock.
PACE = engine.Pace(metrics_lag_s=30.0, poll_s=15.0)


def play(experiment: Experiment, ground: Ground, conditions: Conditions, folder: Path, tell: Tell) -> Record:
    """Main thread only. `tell` hears of everything as it happens."""
    if experiment.expect.alarm not in ground.names.alarms:
        raise WrongUseError(
            f"experiment {experiment.id}: expect.alarm: stack {ground.stack} has no alarm "
            f"{experiment.expect.alarm!r}: name one of its inventory"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with Processes(folder) as processes:
        return _Trial(experiment, ground, conditions, folder, tell, processes).play()


class _Trial:
    """One run on its way. Each method is one scene."""

    def __init__(
        self,
        experiment: Experiment,
        ground: Ground,
        conditions: Conditions,
        folder: Path,
        tell: Tell,
        processes: Processes,
    ) -> None:
        self._given = experiment
        self._experiment = experiment.with_slack(conditions.slack)
        self._ground, self._conditions = ground, conditions
        self._folder, self._teller, self._processes = folder, tell, processes
        self._started, self._zero = datetime.now(UTC), 0.0
        self._happenings: list[Happening] = []
        self._clock = runner.WallClock()
        self._fired: Transition | None = None

    def play(self) -> Record:
        traffic = self._experiment.traffic
        doors = self._doors()
        doors.look(0.0)  # counts begin here
        crowd = self._come()
        self._watch(doors)
        self._watching.start()
        try:
            self._wait(self._zero + traffic.before_s)
            red_before = self._red()
            outcome = self._break(crowd)
            self._wait_for_alarm(outcome)
            runs = self._operator.finish()
            calm = time.time()
            well = self._recover(crowd, outcome, calm) if outcome.stages else calm
            self._wait(well + traffic.after_s)
            self._wait_for_green()
            crowd.process.stop()
            self._watching.finish()
        finally:
            self._operator.leave()
            self._watching.stop()
        if self._watching.trouble is not None:
            raise InconclusiveError(f"metrics could not be followed: {self._watching.trouble}")
        return judging.record(
            judging.Ended(
                experiment=self._given,
                conditions=self._conditions,
                ground=self._ground,
                judge=self._judge,
                clock=self._story,
                fired=self._fired,
                samples=crowd.seen(),
                outcome=outcome,
                red_before=red_before,
                runbooks=runs,
                happenings=self._happenings,
                started_at=self._started,
                zero=self._zero,
                calm=calm,
                well=well,
            )
        )

    # -- before -------------------------------------------------------------------------------------------

    def _doors(self) -> Doors:
        ground = self._ground
        return Doors(
            ground.plan, ground.aws.region, ground.names, ground.places, self._experiment.traffic.speed
        )

    def _watch(self, doors: Doors) -> None:
        ground = self._ground
        self._story = StoryClock(self._experiment.traffic.speed)
        self._story.begin(time.time())
        off = {ground.names.alarms.get(name, name) for name in self._conditions.off}
        self._judge = Judge(
            [JudgedAlarm(alarm) for alarm in judging.judgeable(ground) if alarm.name not in off],
            MetricStore(),
        )
        world = engine.World(
            aws=ground.world.aws,
            inventory=ground.world.inventory,
            operator=ground.world.operator,
            search_url=ground.world.search_url,
            clock=self._story,
            pace=PACE,
        )
        self._operator = Operator(world, self._folder / "runbooks.jsonl", self._tell_runbook)

        def client(service: str) -> Any:
            make: Any = ground.world.aws.session.client
            return make(service, endpoint_url=ground.aws.urls["aws"])

        self._watching = Watching(
            ground.log, self._judge, doors, self._story, client("cloudwatch"), client("sns"), self._on_alarm
        )

    def _come(self) -> People:
        traffic = self._experiment.traffic
        most = (
            WARM_S + WARM_LONGEST_S + traffic.before_s + self._experiment.length_s + SPARE_S
            + self._experiment.expect.recovery_s + traffic.after_s
        )  # fmt: skip
        crowd = people.come(
            self._processes, traffic, self._ground.host, self._folder, most, self._conditions.seed
        )
        deadline = time.monotonic() + BEGIN_S
        while not crowd.seen():
            crowd.process.check()
            if time.monotonic() > deadline:
                raise InconclusiveError(
                    f"no message was answered within {BEGIN_S:g} s: see {crowd.process.err}"
                )
            time.sleep(0.1)
        self._settle(crowd)
        self._zero = time.time()
        self._tell("note", f"people send {traffic.scenario}, {traffic.rate:g} messages a second")
        return crowd

    def _settle(self, crowd: People) -> None:
        """Everybody has connected, nobody is late, what was broken before is over; or it is long enough."""
        time.sleep(WARM_S)
        deadline = time.monotonic() + WARM_LONGEST_S
        while time.monotonic() < deadline:
            since = time.time() - WARM_S / 2
            lately = [one for one in crowd.seen() if one.over_at >= since]
            late = people.lateness(lately)
            if late is not None and late < SETTLED_MS and people.has_first_tiers(lately):
                return
            self._ground.check()
            time.sleep(0.5)

    # -- meanwhile ----------------------------------------------------------------------------------------

    def _break(self, crowd: People) -> runner.Outcome:
        return runner.run(
            self._experiment,
            self._ground.aws.faults,
            clock=runner.Guarded(self._clock, lambda: self._look(crowd)),
            on_event=self._on_chaos,
            journal=Journal(self._folder / "journal.jsonl"),
        )

    def _look(self, crowd: People) -> None:
        """Whether it must end: a program is gone, or people are hurt more than was allowed."""
        self._ground.check()
        crowd.process.check()
        now, limits = time.time(), self._experiment.limits
        seen = crowd.seen()
        for stop in limits.stops:
            # Only whole spans: an answer that is still waited for tells nothing yet.
            found = people.measures(Window(now - stop.over_s - SETTLE_S, now - SETTLE_S).of(seen))
            value = found.get(stop.measure)
            if value is not None and value > stop.above:
                told = f"{stop.measure} was {value:.3g} over {stop.over_s:g} s, above {stop.above:g}"
                raise runner.LimitError(f"stopped: {told}")
        for alarm in limits.stop_alarms:
            if alarm in self._red():
                raise runner.LimitError(f"stopped: alarm {alarm} is red")

    def _wait_for_alarm(self, outcome: runner.Outcome) -> None:
        """It may fire after the fault has ended, as long as it was in time."""
        if not outcome.stages:
            return
        began = self._story.at(min(ran.started_at for ran in outcome.stages).timestamp())
        until = began + self._experiment.expect.within_s
        while self._fired is None and self._story.at(time.time() - SETTLE_S) < until:
            self._ground.check()
            time.sleep(0.2)

    def _recover(self, crowd: People, outcome: runner.Outcome, calm: float) -> float:
        """When people were served as before, or nobody waits for it any longer."""
        before = Window(self._zero, min(ran.started_at for ran in outcome.stages).timestamp())
        until = calm + self._experiment.expect.recovery_s
        while time.time() < until:
            self._ground.check()
            time.sleep(0.5)
            if (after := people.recovered_after(crowd.seen(), calm, before)) is not None:
                return calm + after
        return until

    def _wait_for_green(self) -> None:
        """Its alarm sees the trouble for as long as it looks back."""
        until = self._story.epoch() + GREEN_S
        while self._experiment.expect.alarm in self._red() and self._story.epoch() < until:
            self._ground.check()
            time.sleep(0.5)

    def _wait(self, until: float) -> None:
        while (left := until - time.time()) > 0:
            self._ground.check()
            time.sleep(min(left, 0.5))

    def _red(self) -> list[str]:
        return judging.red(self._judge, self._ground)

    # -- what is told -------------------------------------------------------------------------------------

    def _tell(self, kind: Kind, text: str) -> None:
        at = round(time.time() - self._zero, 1) if self._zero else 0.0
        self._happenings.append(Happening(at_s=at, kind=kind, text=text))
        self._teller(kind, text)

    def _tell_runbook(self, _: str, text: str) -> None:
        self._tell("runbook", text)

    def _on_chaos(self, event: Event) -> None:
        if event.what in {"injected", "cleared", "swept", "failed"}:
            self._tell("fault", f"{event.what}: {event.text}")

    def _on_alarm(self, change: Transition) -> None:
        names = {name: key for key, name in self._ground.names.alarms.items()}
        if "ALARM" not in (change.before, change.after) or change.alarm not in names:
            return
        self._tell("alarm", f"{names[change.alarm]} is {change.after}: {change.reason}")
        if change.after != "ALARM":
            return
        if names[change.alarm] == self._experiment.expect.alarm and self._fired is None:
            self._fired = change
        if (runbook := self._judge.alarm(change.alarm).runbook) == self._experiment.expect.runbook:
            self._operator.take(runbook, change.alarm)
