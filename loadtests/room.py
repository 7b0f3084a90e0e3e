"""What one process knows of a run: alone, as a worker with its share, or as the master who adds everything
up.

Knows Locust's runners by what they are asked, and no users. The scenario travels from the master to its
workers, so that all of them run the same, whatever their own command lines say.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from contract.errors import ConciergeError, InconclusiveError
from loadtests import arrivals, progress, run, scenario
from loadtests.client import ChatClient, UnreachableError, Who, socket_url
from loadtests.generator import Generator
from loadtests.rest import tickets
from loadtests.run import Health, Run
from loadtests.samples import Sample, SamplesLostError, Writer
from loadtests.scenario import Scenario
from loadtests.tally import Tally
from loadtests.verdict import Verdict, broken, judge

DEFAULT_HOST = "http://127.0.0.1:8080"
LOOK_EVERY_S = 2.0


class Options(Protocol):
    """What a person chose."""

    scenario: str
    length: float
    rate: float
    speed: float
    samples: str
    results: str
    arrival_seed: int
    switched_off: str


@dataclass(frozen=True, slots=True)
class Share:
    """What a worker is told before it begins."""

    index: int
    of: int
    seed: int
    scenario: Scenario
    samples: bool

    def as_data(self) -> dict[str, Any]:
        """For the wire."""
        return {
            "index": self.index,
            "of": self.of,
            "seed": self.seed,
            "scenario": self.scenario.model_dump(mode="json"),
            "samples": self.samples,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Share":
        """What `as_data` made."""
        return cls(**{**data, "scenario": Scenario.model_validate(data["scenario"])})


class Room:
    """The run of this process, if there is one."""

    def __init__(self) -> None:
        self.generator: Generator | None = None
        self.problem: ConciergeError | None = None
        self.verdict: Verdict | None = None
        self.finished: Run | None = None
        self.share: Share | None = None  # of a worker
        self.workers: tuple[str, ...] = ()  # of a master: who was there at the beginning
        self.lost: tuple[str, ...] = ()
        self.aborted_by: str | None = None
        self.host = DEFAULT_HOST
        self._seed = 0
        self._switched_off: tuple[str, ...] = ()
        self._results: Path | None = None
        self._writer: Writer | None = None
        self._unsent: list[Sample] = []
        self._looked_at = 0.0

    @property
    def url(self) -> str:
        """Of the chat socket."""
        return socket_url(self.host)

    def prepare(self, options: Options, host: str | None, *, master: bool = False) -> None:
        """Makes a new run, or a problem that says why there can be none."""
        self.problem = self.verdict = self.generator = self.aborted_by = None
        self.lost, self._unsent = (), []
        self.host = host or DEFAULT_HOST
        try:
            self.generator = self._make(options, master)
        except ConciergeError as wrong:
            self.problem = wrong

    def chosen(self, options: Options) -> Scenario:
        """The scenario as it will be run."""
        found = scenario.load(options.scenario)
        if options.length:
            found = found.lasting(options.length)
        if options.rate not in {0.0, 1.0}:
            found = found.at_rate(options.rate)
        return found.without(_names(options.switched_off)).faster(options.speed)

    def shares(self, options: Options, workers: Sequence[str]) -> dict[str, Share]:
        """What each worker is to be told."""
        self.workers = tuple(workers)
        found, samples = self.chosen(options), bool(options.samples)
        return {
            worker: Share(index, len(workers), options.arrival_seed, found, samples)
            for index, worker in enumerate(workers)
        }

    def look(self, present: Sequence[str]) -> bool:
        """Whether it goes on. A master says which workers are still `present`; without workers: ()."""
        generator = self.generator
        if self.problem is not None or generator is None or generator.over():
            return False
        if generator.began is not None and self.workers:
            self.lost = tuple(worker for worker in self.workers if worker not in present)
            if self.lost:
                return False
        if time.monotonic() - self._looked_at > LOOK_EVERY_S:
            self._looked_at = time.monotonic()
            if gate := broken(self.run(generator), generator.elapsed_s):
                self.aborted_by = gate.words
        return self.aborted_by is None

    def begin(self) -> None:
        """All users exist."""
        if self.generator is not None:
            self.generator.begin(self._note_beginning)

    def _note_beginning(self, at: float) -> None:
        if self._results is not None and self.share is None:
            run.replace(self._results / run.BEGAN, f"{at:.3f}\n")

    def stop(self) -> None:
        """No more messages."""
        if self.generator is not None:
            self.generator.stop()
        self._write_to(None)

    def finish(self) -> None:
        """Stops the run, judges it, and writes its results; the next one begins from nothing."""
        self.stop()
        if self.generator is not None:
            self.finished = self.run(self.generator)
            self.verdict = judge(self.finished)
            self._write_results(self.finished)
        elif self.problem is not None:
            self.verdict = Verdict(self.problem.exit_code, tuple(str(self.problem).splitlines()))
        self.problem = self.generator = None
        self.workers = ()

    def run(self, generator: Generator) -> Run:
        """What there is of it so far."""
        problem = None if self.problem is None else str(self.problem)
        return Run(
            scenario=generator.scenario,
            seed=self._seed,
            planned=generator.planned,
            tally=generator.tally,
            host=self.host,
            began_at=generator.began_at,
            health=Health(
                workers=len(self.workers) or 1,
                lost=self.lost,
                problem=problem,
                aborted_by=self.aborted_by,
            ),
            notes=run.notes(self._results, generator.began_at) if self._results else (),
            switched_off=self._switched_off,
        )

    def line(self) -> str | None:
        """How it is going; None before it has begun."""
        generator = self.generator
        if generator is None or generator.began is None:
            return None
        return progress.line(self.run(generator), generator.elapsed_s)

    def report(self) -> dict[str, Any]:
        """A worker's news since the last report."""
        if self.problem is not None:
            return {"problem": str(self.problem)}
        if self.generator is None:
            return {}
        samples, self._unsent = self._unsent, []
        news: dict[str, Any] = {"tally": self.generator.tally.drain()}
        if samples:
            news["samples"] = [sample.model_dump_json() for sample in samples]
        return news

    def receive(self, news: dict[str, Any]) -> None:
        """A worker's news, at the master."""
        if "problem" in news:
            self.problem = InconclusiveError(f"a worker cannot run: {news['problem']}")
        if self.generator is None or "tally" not in news:
            return
        told = Tally.from_data(news["tally"])
        self.generator.messages += sum(cell.messages for cell in told.cells.values())
        self.generator.tally.merge(told)
        for sample in news.get("samples", ()):
            self._keep(Sample.model_validate_json(sample))

    def _make(self, options: Options, master: bool) -> Generator:
        socket_url(self.host)
        if self.share is not None:
            share = self.share
            _knock(self.host, share.scenario)
            self._seed = share.seed
            mine = arrivals.schedule(share.scenario, share.scenario.people, share.seed, share.index, share.of)
            return Generator(share.scenario, mine, 0, self._send_later if share.samples else _nowhere)
        chosen, seed = self.chosen(options), options.arrival_seed
        self._seed = seed
        self._switched_off = _names(options.switched_off)
        self._results = Path(options.results) if options.results else None
        self._write_to(options.samples)
        planned = arrivals.planned(chosen, seed)
        if master:
            return Generator(chosen, (), planned)
        _knock(self.host, chosen)
        return Generator(chosen, arrivals.schedule(chosen, chosen.people, seed), planned, self._keep)

    def _keep(self, sample: Sample) -> None:
        if self._writer is None:
            return
        try:
            self._writer.write(sample)
        except SamplesLostError as lost:
            self._writer, self.problem = None, lost  # the schedule sees it, and ends the run

    def _send_later(self, sample: Sample) -> None:
        self._unsent.append(sample)

    def _write_to(self, path: str | None) -> None:
        before, self._writer = self._writer, None
        try:
            if before is not None:
                before.close()
        except SamplesLostError as lost:
            self.problem = self.problem or lost
        if path:
            self._writer = Writer(Path(path))

    def _write_results(self, finished: Run) -> None:
        if self._results is None:
            return
        from loadtests.report import write  # only now: a generator has better things to load

        try:
            write(finished, self._results)
        except ConciergeError as refused:
            self.verdict = Verdict(refused.exit_code, tuple(str(refused).splitlines()))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _nowhere(_: Sample) -> None:
    pass


def _knock(host: str, chosen: Scenario) -> None:
    """Without anybody there it is not worth beginning."""
    if "chat" not in chosen.channels:
        return
    visitor = ChatClient(socket_url(host), ticket=tickets(Who()))
    try:
        visitor.open()
    except UnreachableError as refused:
        raise UnreachableError(f"{refused}: start the runtime, or say where it is with --host") from None
    visitor.close()
