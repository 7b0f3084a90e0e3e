"""The operator's document as the runtime reads it: the last good one stays, and every control ends."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from contract.controls import Control, Controls, render
from contract.tiers import Tier
from runtime.controls import ControlsReader
from runtime.kept import poll
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.testing.desk import EPOCH, wall


def turned(value: Any, for_s: float = 3_600.0) -> Control[Any]:
    return Control(value=value, who="on-call", why="test", expires_at=EPOCH + timedelta(seconds=for_s))


def forced(tier: Tier, for_s: float = 3_600.0) -> str:
    return render(Controls(forced_tier=turned(tier, for_s)))


def tier_in(reader: ControlsReader) -> Tier | None:
    """The tier that is forced now."""
    control = reader.current().forced_tier
    return control.value if control else None


class Store:
    """An SSM parameter in memory; set `text` to an exception to make it unreachable."""

    def __init__(self, text: str | Exception) -> None:
        self.text = text
        self.read_at: list[float] = []
        self.lines: list[str] = []

    async def read(self) -> str:
        self.read_at.append(asyncio.get_running_loop().time())
        if isinstance(self.text, Exception):
            raise self.text
        return self.text

    def reader(self) -> ControlsReader:
        return ControlsReader(self.read, wall, Telemetry("test", wall, self.lines.append), {"us-west-2"})


def test_a_new_document_is_seen_at_the_next_read():
    async def scene() -> Any:
        store = Store("{}")
        reader = store.reader()
        polling = asyncio.create_task(poll(reader.refresh, 5.0, 0.2, lambda: 0.5))
        store.text = forced(Tier.T1)
        await asyncio.sleep(4.9)
        before = tier_in(reader)
        await asyncio.sleep(0.2)
        polling.cancel()
        return before, tier_in(reader)

    assert loop.run(scene()) == (None, Tier.T1)


@pytest.mark.parametrize(
    "bad",
    [
        "not json",
        '{"forced_tier": {"value": "T9"}}',
        '{"forced_teir": null}',
        ConnectionError("SSM is out of reach"),
    ],
)
def test_a_bad_document_changes_nothing_and_is_said_once(bad):
    async def scene() -> Any:
        store = Store(forced(Tier.T2))
        reader = store.reader()
        await reader.refresh()
        store.text = bad
        for _ in range(3):
            await reader.refresh()
        kept = tier_in(reader)
        store.text = forced(Tier.T1)
        await reader.refresh()
        return kept, tier_in(reader), store.lines

    kept, mended, lines = loop.run(scene())
    assert (kept, mended) == (Tier.T2, Tier.T1)
    assert sum("cannot be used" in line for line in lines) == 1
    assert sum("can be read again" in line for line in lines) == 1


def test_a_document_that_is_bad_from_the_start_turns_nothing():
    async def scene() -> Any:
        reader = Store("nonsense").reader()
        await reader.refresh()
        return reader.current()

    assert loop.run(scene()) == Controls()


def test_a_control_ends_when_it_said_even_if_nothing_can_be_read():
    async def scene() -> Any:
        store = Store(forced(Tier.T2, for_s=60.0))
        reader = store.reader()
        await reader.refresh()
        store.text = ConnectionError("SSM is out of reach")
        await asyncio.sleep(59.9)
        before = tier_in(reader)
        await asyncio.sleep(0.1)
        return before, tier_in(reader)

    assert loop.run(scene()) == (Tier.T2, None)


@pytest.mark.parametrize(("spread", "first"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_reads_are_spread_so_that_a_fleet_does_not_ask_in_step(spread, first):
    async def scene() -> Any:
        store = Store("{}")
        polling = asyncio.create_task(poll(store.reader().refresh, 5.0, 0.2, lambda: spread))
        await asyncio.sleep(30.0)
        polling.cancel()
        return store.read_at

    read_at = loop.run(scene())
    assert read_at[:3] == pytest.approx([first, 2 * first, 3 * first])


def test_each_control_ends_at_its_own_time():
    async def scene() -> Any:
        first, second = turned(Tier.T2, for_s=10.0), turned(value=False, for_s=20.0)
        reader = Store(render(Controls(forced_tier=first, widget=second))).reader()
        await reader.refresh()
        seen = []
        for _ in range(3):
            now = reader.current()
            seen.append((now.forced_tier is not None, now.widget is not None))
            await asyncio.sleep(10.0)
        return seen

    assert loop.run(scene()) == [(True, True), (False, True), (False, False)]


@pytest.mark.parametrize(("region", "warned"), [("us-west-2", 0), ("us-west2", 1)])
def test_a_region_without_models_has_no_effect_and_that_is_said_once(region, warned):
    async def scene() -> Any:
        store = Store(render(Controls(region=turned(region))))
        reader = store.reader()
        for _ in range(3):
            await reader.refresh()
        return store.lines

    assert sum("no model is there" in line for line in loop.run(scene())) == warned
