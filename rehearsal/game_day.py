"""A whole event on this machine: plan, stand-ins, agent, traffic, faults, alarms, runbooks, what was seen.

Brings the rooms together and knows the inside of none. Everything it starts ends with it.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from redis.exceptions import RedisError

from contract.errors import InconclusiveError
from contract.inventory import Inventory
from loadtests import launch
from loadtests.run import BEGAN, finished
from loadtests.verdict import judge as judge_load
from plan import Plan
from rehearsal import clients, environment, shopper, verdict
from rehearsal.agent import agent
from rehearsal.breaking import Breaking
from rehearsal.door import Door
from rehearsal.environment import Aws
from rehearsal.evidence import Breach, Evidence, RunbookRun, Schedule, read_samples
from rehearsal.history import CLOCK
from rehearsal.load_here import SHOP_SEED
from rehearsal.machine import MachineWatch
from rehearsal.oncall import Duty, OnCall
from rehearsal.played import Options, Result
from rehearsal.processes import Process, Processes
from rehearsal.rollout import Rollouts
from rehearsal.shopper import Shopper
from rehearsal.story import Story
from rehearsal.story_clock import StoryClock
from rehearsal.timeline import Timeline
from runbooks import engine
from stacks import settings, stackfile
from stacks.settings import Settings

# The slowest answers are given up long before.
DRAIN_S = 90.0
SAMPLES = "samples.jsonl"
# A busy machine's moto may take long over a whole table.
PATIENT = Config(read_timeout=60, connect_timeout=10, retries={"total_max_attempts": 2})


class GameDay:
    """One story on its way. Each method is one scene of its making."""

    def __init__(
        self,
        story: Story,
        options: Options,
        folder: Path,
        timeline: Timeline,
        planned: Plan,
        known: Settings,
        schedule: Schedule,
        stack: ExitStack,
    ) -> None:
        self.story, self.options, self.folder, self.timeline = story, options, folder, timeline
        self.clock: StoryClock = timeline.clock
        self.schedule = schedule
        self._plan, self._settings, self._stack = planned, known, stack
        self._region = known.regions.primary.name
        self._began_s = time.monotonic()
        self._session = boto3.Session(botocore_session=clients.session(self._region))
        self._runs: list[RunbookRun] = []
        self.watch: OnCall | None = None
        self._begun = False

    @property
    def stack_name(self) -> str:
        return self._plan.stack

    @property
    def samples(self) -> Path:
        return self.folder / SAMPLES

    @property
    def rungs(self) -> Sequence[str]:
        """Those that call a model, best first."""
        return [rung.name for rung in self._settings.runtime_in(self._region).ladder if rung.model]

    @property
    def on_call(self) -> OnCall:
        assert self.watch is not None  # noqa: S101 - the story has begun
        return self.watch

    def begin(self) -> None:
        """Everything is up and the first message is due."""
        self._aws = self._start_stand_ins()
        self._processes = self._stack.enter_context(Processes(self.folder))
        runtime = agent(self._processes, self.stack_name, self._aws.variables(), speed=self.clock.speed)
        self._url = str(runtime.ready_line()["url"])
        self._rollouts = self._start_rollouts(runtime)
        self._ready_s = time.monotonic() - self._began_s
        self.timeline.tell("runtime", f"answers at {self._url}, {self._ready_s:.0f} s after the start")
        self._machine = MachineWatch(runtime.pid)
        self._load = self._start_traffic()
        self.watch = self._start_watching([runtime.out, self._aws.processes["bedrock"].out])
        if self._rollouts is not None:
            self._rollouts.begin()
        self._breaking = self._start_breaking()
        self._machine.start()
        self._shopper = Shopper(self._url, SHOP_SEED, self.options.seed)
        self._shopper.start()
        self._stack.callback(self._shopper.stop)
        self._begun = True

    def play(self) -> Evidence:
        """To the end of the story."""
        self._wait_for(self._load)
        self.clock.stop()
        self._breaking.join()
        watch = self.on_call
        watch.metering.finish()
        self._runs = watch.operator.finish()
        if watch.metering.trouble is not None:
            raise InconclusiveError(f"metrics could not be followed: {watch.metering.trouble}")
        return self._evidence(doubts=None)

    def so_far(self) -> Evidence | None:
        """What was seen until somebody ended it; None: it had not begun."""
        if not self._begun:
            return None
        self.clock.stop()
        self._runs = self.on_call.operator.so_far()
        return self._evidence(doubts=("the story was ended before its end",))

    def result(self, evidence: Evidence) -> Result:
        """With its verdict."""
        return Result(
            story=self.story,
            options=self.options,
            stack=self.stack_name,
            folder=self.folder,
            gates=verdict.gates(evidence, self.story),
            evidence=evidence,
            timeline=self.timeline,
        )

    def _start_stand_ins(self) -> Aws:
        aws = self._stack.enter_context(
            environment.standing(self.folder, self._plan, seed_=SHOP_SEED, speed=self.clock.speed)
        )
        seeded = aws.seeded.created if aws.seeded else ()
        self.timeline.tell(
            "stand-ins",
            f"{', '.join(aws.processes)} on loopback; {len(seeded)} resources seeded from the plan",
        )
        return aws

    def _start_rollouts(self, runtime: Process) -> Rollouts | None:
        """Where a story rolls something out, people come through a door, and ECS says who is behind it."""
        rolled = [scene for scene in self.story.scenes if scene.rollout]
        if not rolled:
            return None
        door = self._stack.enter_context(Door.opened(self._url))
        self._url = door.url
        return Rollouts(
            ecs=self._client("ecs"),
            ssm=self._client("ssm"),
            names=Inventory.model_validate_json(self._plan.outputs["inventory"]).primary,
            processes=self._processes,
            environment=self.stack_name,
            variables=self._aws.variables(),
            speed=self.clock.speed,
            tell=self.timeline.tell,
            follow=self._follow,
            door=door,
            live=runtime,
            due=[(scene.at_s, self._settings_with(scene.rollout)) for scene in rolled],
        )

    def _settings_with(self, changes: Mapping[str, str]) -> str:
        changed = stackfile.read(self.stack_name).changed({**self.options.changes, **changes})
        known = settings.parse(changed.config, file=changed.path.name, lines=changed.lines)
        return known.runtime_in(self._region).model_dump_json()

    def _follow(self, process: Process) -> None:
        """A new revision: its metrics, and what it takes of this machine."""
        self.on_call.metering.follow(process.out)
        self._machine.follow(process.pid)

    def _client(self, service: str) -> Any:
        make: Any = self._session.client
        return make(service, endpoint_url=self._aws.urls["aws"], config=PATIENT)

    def _start_traffic(self) -> Process:
        results = self.folder / "load"
        results.mkdir()
        process = self._processes.start(
            "load",
            [
                *(*launch.LOCUST, "--headless", "--only-summary", "--host", self._url),
                *("--scenario", self.story.traffic.scenario, "--length", str(self.story.length_s)),
                *("--rate", str(self.options.rate * self.story.traffic.rate)),
                *("--speed", str(self.clock.speed), "--arrival-seed", str(self.options.seed)),
                *("--samples", str(self.samples), "--results", str(results)),
            ],
        )
        began = results / BEGAN
        self._wait_until(lambda: began.exists() and began.stat().st_size > 0, process)
        self.clock.begin(float(began.read_text("ascii")))
        (self.folder / CLOCK).write_text(json.dumps(self.clock.as_data()), "utf-8")
        self.timeline.tell(
            "load",
            f"{self.schedule.messages} messages in {self.story.length_s:.0f} s, "
            f"{self.clock.speed:g} times as fast as the clock: "
            f"{self.story.length_s / self.clock.speed / 60:.1f} minutes{self._why_slower()}",
        )
        return process

    def _why_slower(self) -> str:
        if self.options.speed is not None or self.clock.speed == self.story.speed:
            return ""
        return f" (this machine is too slow, or too busy, for {self.story.speed:g})"

    def _wait_until(self, ready: Callable[[], bool], process: Process) -> None:
        deadline = time.monotonic() + 30
        while not ready():
            process.check()
            if time.monotonic() > deadline:
                raise InconclusiveError(f"no message was sent within 30 s: see {process.err}")
            time.sleep(0.05)

    def _start_watching(self, logs: Sequence[Path]) -> OnCall:
        moto = self._aws.urls["aws"]
        duty = Duty(
            plan=self._plan,
            region=self._region,
            aws=engine.Aws(session=self._session, region=self._region, endpoint_url=moto),
            client=self._client,
            search_url=self._aws.urls.get("search"),
            clock=self.clock,
            folder=self.folder,
            tell=self.timeline.tell,
            length_s=self.story.length_s,
            keep=self.story.kept,
            without=self.options.without,
            ask=self.options.ask,
        )
        watch = OnCall(duty, logs)
        self._stack.callback(watch.stop)
        return watch

    def _start_breaking(self) -> Breaking:
        breaking = Breaking(
            self.story, self._aws.faults, self.clock, self.folder / "chaos.jsonl", self.timeline.tell
        )
        breaking.start()
        self._stack.callback(breaking.join)
        self._stack.callback(self.clock.stop)  # before the join: callbacks run backwards
        return breaking

    def _wait_for(self, load: Process) -> None:
        """Any other program that ends meanwhile ends the story."""
        deadline = time.monotonic() + (self.story.length_s + DRAIN_S) / self.clock.speed + 30
        while load.running:
            if self._rollouts is not None:
                self._rollouts.tend(self.clock.second() or 0.0)
            self._processes.check(load, *(self._rollouts.programs if self._rollouts else ()))
            self._aws.check()
            if time.monotonic() > deadline:
                raise InconclusiveError(f"the load did not end in time: see {load.err}")
            time.sleep(0.2)
        self.timeline.tell("load", "all messages have come to their end")

    def _evidence(self, doubts: Sequence[str] | None) -> Evidence:
        watch = self.on_call
        self._shopper.stop()
        breaches, places = self._search()
        region = self._settings.runtime_in(self._region)
        return Evidence(
            environment=self.stack_name,
            zero=self.clock.zero or 0.0,
            ladder=self.rungs,
            concurrency=region.ladder[0].concurrency,
            breaker=self._settings.runtime.breaker,
            schedule=self.schedule,
            samples=read_samples(self.samples, self.clock),
            generator_doubts=self._doubts() if doubts is None else doubts,
            metrics=watch.metering.store,
            stages=self._breaking.stages(),
            faults_in_place=self._breaking.trouble,
            transitions=watch.judge.transitions,
            final_states=watch.judge.states,
            alarm_names=watch.alarm_names,
            runbooks=self._runs,
            leftover_faults=len(self._aws.faults.active()),
            breaches=[*self._shopper.breaches, *breaches],
            looked={"prices": self._shopper.prices, "places": places},
            machine=self._machine.stop(self._ready_s),
        )

    def _search(self) -> tuple[list[Breach], int]:
        """For what must not be kept; places that do not answer were not searched."""
        try:
            moto: Any = self._session.resource("dynamodb", endpoint_url=self._aws.urls["aws"], config=PATIENT)
            tables = list(moto.tables.all())
            return shopper.kept(self.folder, tables, self._aws.urls["cache"])
        except (BotoCoreError, ClientError, OSError, RedisError) as silent:
            self.timeline.tell("invariants", f"what is kept could not be searched: {silent}")
            return [], 0

    def _doubts(self) -> Sequence[str]:
        run = finished(self.folder / "load")
        return ("the generator left no result: see load.err",) if run is None else judge_load(run).doubts
