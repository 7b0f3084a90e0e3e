"""How long each runbook takes in its incident, in the story's time: docs/runbooks/times.md.

The worlds are those of the tests. Looking takes no story time; how long it takes here is measured beside. The
last line is a service that never answers: the others' findings must not wait for it.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from moto import mock_aws

import plan
from contract.inventory import Inventory
from rehearsal import moto_percentiles
from runbooks import load
from runbooks.engine import Entry, Journal, Pace, run
from tests.runbooks.estate_parts_helpers import close_all
from tests.runbooks.incidents_helpers import INCIDENTS, broken
from tests.runbooks.place_helpers import CHANGES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "runbooks" / "times.md"
_HEAD = """# How long runbooks take

Made by `python -m bench.runbooks`, in the worlds of `tests/runbooks`: from the start of `--apply --yes`.
Story time is what people wait: metrics come once a minute, the world answers a change at the next one. Real
services take their own time beside: instances half a minute to ten minutes, a search domain half an hour.

| incident | first finding (here) | mitigation | verified | changes |
| --- | ---: | ---: | ---: | ---: |
"""


def main() -> None:
    moto_percentiles.teach()
    found = plan.once("prod", ROOT, CHANGES)
    inventory = Inventory.model_validate_json(str(found.outputs["inventory"]))
    lines = [line for name in sorted(INCIDENTS) for line in _measured(inventory, name)]
    PAGE.write_text(_HEAD + "\n".join(lines) + "\n\n" + _dead_service(inventory) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


def _measured(inventory: Inventory, name: str) -> Iterator[str]:
    with mock_aws(), tempfile.TemporaryDirectory() as folder:
        place = broken(inventory, name)
        began, first = time.monotonic(), list[float]()

        def hear(entry: Entry) -> None:
            if entry.what == "found" and not first:
                first.append(time.monotonic() - began)

        journal = Journal(Path(folder) / "journal.jsonl")
        record = run(load(name), place.world(), apply=True, why="bench", journal=journal, on_event=hear)
        close_all()
        times = record.times
        if record.verdict != "applied+verified":
            raise SystemExit(f"{name}: {record.verdict}: {record.note}")
        story = f"{times.mitigated_s:.0f} s | {times.verified_s:.0f} s"
        yield f"| [{name}]({name}.md) | {first[0]:.1f} s | {story} | {record.writes} |"


def _dead_service(inventory: Inventory) -> str:
    """Cost Explorer takes the call and never answers."""
    free = Event()

    def hang(**_: object) -> None:
        free.wait(60)

    with mock_aws(), tempfile.TemporaryDirectory() as folder:
        place = broken(inventory, "cost-spike")
        place.session.events.register_first("before-call.cost-explorer.GetCostAndUsage", hang)
        world = replace(place.world(), pace=Pace())
        began, heard = time.monotonic(), dict[str, float]()

        def hear(entry: Entry) -> None:
            if entry.what == "found":
                heard[str(entry.check)] = time.monotonic() - began

        run(
            load("cost-spike"),
            world,
            apply=False,
            why="",
            journal=Journal(Path(folder) / "journal.jsonl"),
            on_event=hear,
        )
        free.set()
        close_all()
    first, *_, last, said = sorted(heard.values())
    return (
        "With a service that never answers among those asked (Cost Explorer, in cost-spike): first finding\n"
        f"after {first:.1f} s, all that can be seen after {last:.1f} s, what could not be after {said:.1f} s."
    )


if __name__ == "__main__":
    main()
