"""A load on this machine: stand-ins seeded from a stack's plan, a runtime, Locust, and the scenario's own
faults.

No alarms and no runbooks: what those do is a game day's business. Everything it starts ends with it.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import plan
from contract.errors import ConciergeError
from contract.faults import Fault, Stage
from loadtests import launch
from loadtests.launch import Launch
from loadtests.lookups import WHERE as CATALOGUE
from loadtests.run import BEGAN, NOTES, Told
from loadtests.scenario import Scenario
from rehearsal import environment
from rehearsal.agent import agent
from rehearsal.environment import Aws
from rehearsal.processes import Processes

_LOOK_EVERY_S = 0.1
SHOP_SEED = 7  # of the shop that loadtests/data/shop.toml talks about
Listener = Callable[[str], None]


def run(found: Scenario, wish: Launch, stack: str, changes: Mapping[str, str], listener: Listener) -> int:
    """The exit code of the load. `changes`: settings for this run only. Only the main thread may call it."""
    planned = plan.run(stack, changes={**found.settings, **changes})
    listener(f"stand-ins and a runtime start here, seeded from stack {stack}")
    wish.folder.mkdir(parents=True, exist_ok=True)
    with (
        environment.standing(wish.folder / "stand-ins", planned, seed_=SHOP_SEED) as aws,
        Processes(wish.folder / "runtime") as processes,
    ):
        host = str(agent(processes, stack, aws.variables()).ready_line()["url"])
        listener(f"runtime answers at {host}; {found.name} begins")
        with _Breaking(found, aws, wish, listener):
            code = launch.run(replace(wish, host=host), {CATALOGUE: aws.urls["catalogue"]})
        processes.check()
        aws.check()
    return code


class _Breaking:
    """Makes the scenario's faults at their moments, counted from the first message, and writes them down."""

    def __init__(self, found: Scenario, aws: Aws, wish: Launch, listener: Listener) -> None:
        self._faults: Sequence[Stage] = found.faults
        self._aws, self._folder, self._listener = aws, wish.folder, listener
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._play, name="faults", daemon=True)

    def __enter__(self) -> Self:
        (self._folder / NOTES).unlink(missing_ok=True)
        (self._folder / BEGAN).unlink(missing_ok=True)
        if self._faults:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._faults:
            self._thread.join()

    def _play(self) -> None:
        if (began := self._begun()) is None:
            return
        for stage in sorted(self._faults, key=lambda stage: stage.at_s):
            if self._over.wait(max(0.0, began + stage.at_s - time.time())):
                return
            try:
                self._aws.faults.inject(stage.fault.model_copy(update={"lease_s": stage.for_s}))
            except ConciergeError as refused:
                self._listener(f"fault {stage.fault.kind} was not made: {refused}")
                continue
            self._tell(stage)

    def _begun(self) -> float | None:
        """When the first message was due; the generator writes it down."""
        mark = self._folder / BEGAN
        while not self._over.wait(_LOOK_EVERY_S):
            if mark.exists() and (text := mark.read_text(encoding="ascii").strip()):
                return float(text)
        return None

    def _tell(self, stage: Stage) -> None:
        now = time.time()
        told = Told(kind="fault", text=words(stage.fault), at=now, until=now + stage.for_s)
        self._listener(f"fault: {told.text} for {stage.for_s:g} s")
        with (self._folder / NOTES).open("a", encoding="utf-8") as notes:
            notes.write(told.model_dump_json() + "\n")


def words(fault: Fault) -> str:
    """A fault in a few words."""
    where = " ".join((fault.target, *fault.match.values()))
    return f"{fault.kind} {where} {fault.rate:.0%}"


def folder_for(found: Scenario, root: Path) -> Path:
    """build/loads/<time>-<scenario>."""
    return root / "build" / "loads" / f"{time.strftime('%Y%m%d-%H%M%S')}-{found.name}"
