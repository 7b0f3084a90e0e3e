"""A whole game day on this machine: plan, stand-ins, runtime, traffic, faults, alarms, runbooks, verdict.

Brings the rooms together and knows the inside of none. Everything it starts ends with it.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

import plan
from chaos import catalogue as experiments
from chaos import runner
from chaos.faults.rehearsal import RehearsalTarget
from chaos.journal import Event as ChaosEvent
from chaos.journal import Journal as ChaosJournal
from contract.errors import ConciergeError, InconclusiveError
from contract.faults import Experiment
from loadtests import samples
from plan import Plan
from plan.show import summary_line
from rehearsal import beforehand, clients, standins, verdict
from rehearsal.alarms import Judge, Transition
from rehearsal.bedrock import planned as account_of
from rehearsal.bedrock.client import give_account
from rehearsal.evidence import Evidence, RunbookRun, Schedule, Stage, read_samples
from rehearsal.metering import Metering
from rehearsal.metrics import MetricStore
from rehearsal.operator import OPERATOR, Operator
from rehearsal.processes import Process, Processes
from rehearsal.seed import seed
from rehearsal.story import Story
from rehearsal.timeline import Timeline, Told
from rehearsal.verdict import Gate
from runbooks import engine
from runbooks.engine import inventory as inventories
from stacks import settings, stackfile

CREDENTIALS = {"AWS_ACCESS_KEY_ID": clients.NOBODY, "AWS_SECRET_ACCESS_KEY": clients.NOBODY}
# The slowest answers are given up long before.
DRAIN_S = 90.0
# Stand-ins publish metrics at once; a runbook need not wait for them as in AWS.
PACE = engine.Pace(metrics_lag_s=1.5, poll_s=1.0)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person chooses."""

    stack: str = "dev"
    seed: int = 7
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Result:
    """Everything the report is made from."""

    story: Story
    experiment: Experiment
    options: Options
    folder: Path
    gates: list[Gate]
    evidence: Evidence
    timeline: Timeline

    @property
    def exit_code(self) -> int:
        return verdict.exit_code(self.gates)


def run(
    story: Story,
    options: Options,
    folder: Path,
    listener: Callable[[Told], None],
    experiment: Experiment | None = None,
) -> Result:
    """Plays the story; `experiment` replaces the story's own. Only the main thread may call it.

    `folder` is made once everything that was asked for has proved good; another beside it, if it is there.
    """
    timeline = Timeline(listener)
    chosen = experiment or experiments.load(story.experiment)
    beforehand.check_story(story, chosen)
    planned = plan.run(options.stack, changes=options.changes)
    beforehand.check_alarm(chosen, planned)
    own = beforehand.make(folder)
    timeline.tell("plan", summary_line(planned))
    with ExitStack() as stack:
        day = _GameDay(story, chosen, options, own, timeline, planned, stack)
        evidence = day.play()
    gates = verdict.gates(evidence, story.gates, chosen)
    return Result(
        story=story,
        experiment=chosen,
        options=options,
        folder=own,
        gates=gates,
        evidence=evidence,
        timeline=timeline,
    )


class _GameDay:
    """One game day on its way. Each method is one scene."""

    def __init__(
        self,
        story: Story,
        experiment: Experiment,
        options: Options,
        folder: Path,
        timeline: Timeline,
        planned: Plan,
        stack: ExitStack,
    ) -> None:
        self._story, self._experiment, self._options = story, experiment, options
        self._folder, self._timeline, self._plan, self._stack = folder, timeline, planned, stack
        found = stackfile.read(options.stack).changed(options.changes)
        self._settings = settings.parse(found.config, file=found.path.name, lines=found.lines)
        self._region = self._settings.regions.primary.name
        self._processes = stack.enter_context(Processes(folder))
        self._chaos_clock = runner.WallClock()
        self._outcome: runner.Outcome | None = None

    def play(self) -> Evidence:
        self._start_stand_ins()
        runtime, url = self._start_runtime()
        self._start_watching(runtime)
        load = self._start_traffic(url)
        breaking = self._start_experiment()
        said = self._wait_for(load)
        self._chaos_clock.stop()
        breaking.join()
        runs = self._operator.finish()
        self._metering.finish()
        if self._metering.trouble is not None:
            raise InconclusiveError(f"metrics could not be followed: {self._metering.trouble}")
        return self._evidence(said, runs)

    def _start_stand_ins(self) -> None:
        bedrock = standins.start_bedrock(self._processes, seed=self._options.seed)
        aws = standins.start_aws(self._processes)
        self._bedrock, self._aws = standins.url(bedrock), standins.url(aws)
        give_account(self._bedrock, account_of.account(self._plan, self._region))
        seeded = seed(self._plan, self._region, self._aws)
        self._target = RehearsalTarget(self._bedrock)
        self._timeline.tell(
            "stand-ins", f"Bedrock and AWS on loopback; {len(seeded.created)} resources seeded from the plan"
        )

    def _start_runtime(self) -> tuple[Process, str]:
        environment = self._options.stack
        process = self._processes.start(
            "runtime",
            [sys.executable, "-m", "runtime", "--host", "127.0.0.1", "--port", "0"],
            {
                **CREDENTIALS,
                "AWS_REGION": self._region,
                "AWS_ENDPOINT_URL_SSM": self._aws,
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self._bedrock,
                "CONCIERGE_ENVIRONMENT": environment,
                "CONCIERGE_SETTINGS": f"/concierge/{environment}/settings",
                "CONCIERGE_CONTROLS": f"/concierge/{environment}/controls",
            },
        )
        url = str(process.ready_line()["url"])
        self._timeline.tell("runtime", f"answers at {url}")
        return process, url

    def _start_watching(self, runtime: Process) -> None:
        """The metrics, the alarms they trip, and somebody who answers the alarms."""
        session = boto3.Session(botocore_session=clients.session(self._region))
        aws = engine.Aws(session=session, region=self._region, endpoint_url=self._aws)
        found = inventories.fetch(aws, self._options.stack, self._folder / "inventory.json")
        world = engine.World(aws=aws, inventory=found, operator=OPERATOR, pace=PACE)
        self._operator = Operator(world, self._folder / "runbooks.jsonl", self._timeline.tell)
        self._judge = Judge.of(self._plan, self._region, MetricStore())
        self._alarm_names = dict(found.primary.alarms)

        def client(service: str) -> Any:
            make: Any = session.client
            return make(service, endpoint_url=self._aws)

        self._metering = Metering(
            runtime.out, self._judge, client("cloudwatch"), client("sns"), self._on_alarm
        )
        self._metering.start()
        self._stack.callback(self._metering.stop)
        self._stack.callback(self._operator.leave)  # before: callbacks run backwards

    def _on_alarm(self, change: Transition) -> None:
        if change.before == "INSUFFICIENT_DATA" and change.after == "OK":
            return
        self._timeline.tell("alarm", f"{change.alarm} is {change.after}: {change.reason}")
        if change.after == "ALARM":
            self._operator.take(self._judge.alarm(change.alarm).runbook, change.alarm)

    def _start_traffic(self, url: str) -> Process:
        self._samples = self._folder / "samples.jsonl"
        process = self._processes.start(
            "load",
            [
                *(sys.executable, "-m", "locust", "-f", str(_prime_day_file()), "--headless"),
                *("--host", url, "--scenario", self._story.scenario),
                *("--length", str(self._story.length_s), "--samples", str(self._samples)),
                *("--arrival-seed", str(self._options.seed), "--only-summary"),
            ],
        )
        self._wait_until(self._begun, process, "no message was answered")
        self._timeline.tell("load", f"Locust sends {self._story.scenario} for {self._story.length_s:.0f} s")
        return process

    def _begun(self) -> bool:
        """Seconds are counted from the first message: asked again at the end, for slow answers come late."""
        found = read_samples(self._samples) if self._samples.exists() else ()
        if found:
            self._timeline.begin(min(sample.intended_at for sample in found))
        return bool(found)

    def _wait_until(self, ready: Callable[[], bool], process: Process, problem: str) -> None:
        deadline = time.monotonic() + 30
        while not ready():
            process.check()
            if time.monotonic() > deadline:
                raise InconclusiveError(f"{problem} within 30 s: see {process.err}")
            time.sleep(0.05)

    def _start_experiment(self) -> threading.Thread:
        thread = threading.Thread(target=self._break, name="experiment", daemon=True)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(self._chaos_clock.stop)  # before the join
        return thread

    def _break(self) -> None:
        journal = ChaosJournal(self._folder / "chaos.jsonl")
        try:
            begun = time.time() - (self._timeline.zero or time.time())
            self._chaos_clock.sleep(max(0.0, self._story.experiment_at_s - begun))
            self._outcome = runner.run(
                self._experiment,
                self._target,
                clock=self._chaos_clock,
                on_event=self._on_chaos,
                journal=journal,
            )
        except Exception as failure:  # noqa: BLE001 - a thread's error would be lost
            known = isinstance(failure, ConciergeError)
            what = failure if known else f"{type(failure).__name__}: {failure}"
            self._timeline.tell("fault", f"the experiment did not run: {what}")

    def _on_chaos(self, event: ChaosEvent) -> None:
        if event.what in {"injected", "cleared", "swept", "failed"}:
            self._timeline.tell("fault", f"{event.what}: {event.text}")

    def _wait_for(self, load: Process) -> int:
        """The generator's own exit code; any other program that ends meanwhile ends the day."""
        deadline = time.monotonic() + self._story.length_s + DRAIN_S
        while load.running:
            self._processes.check(but=load)
            if time.monotonic() > deadline:
                raise InconclusiveError(f"the load did not end in {DRAIN_S:g} s more: see {load.err}")
            time.sleep(0.2)
        code = load.exit_code
        self._timeline.tell("load", "all messages have come to their end")
        return -1 if code is None else code

    def _evidence(self, said: int, runs: list[RunbookRun]) -> Evidence:
        outcome = self._outcome
        stages = outcome.stages if outcome else ()
        self._begun()
        return Evidence(
            environment=self._options.stack,
            ladder=[rung.name for rung in self._settings.runtime_in(self._region).ladder if rung.model],
            breaker=self._settings.runtime.breaker,
            schedule=Schedule.of(self._story, self._options.seed),
            samples=read_samples(self._samples),
            generator_said=said,
            metrics=self._metering.store,
            stages=[_stage(ran) for ran in sorted(stages, key=lambda ran: ran.started_at)],
            faults_in_place=outcome.reason if outcome else "the experiment did not run",
            transitions=self._judge.transitions,
            final_states={alarm.name: alarm.state for alarm in self._judge.alarms},
            expected_alarm=self._alarm_names.get(self._experiment.expect.alarm, ""),
            runbooks=runs,
            leftover_faults=len(self._target.active()),
        )


def _stage(ran: runner.Ran) -> Stage:
    return Stage(ran.started_at.timestamp(), ran.ended_at.timestamp(), ran.fault.fault)


def _prime_day_file() -> Path:
    return Path(samples.__file__).with_name("prime_day.py")


def folder_for(story: Story, root: Path) -> Path:
    """build/rehearsals/<time>-<story>; `run` makes it, or one beside it."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return root / "build" / "rehearsals" / f"{stamp}-{story.id}"
