"""The vault against KMS and tables as they speak: who sees what, and that every look is told (RUN-13)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from contract.runtime_settings import DownstreamSettings
from runtime.places import Places
from runtime.safety.pii import redacted
from runtime.telemetry import Telemetry
from runtime.testing.ladders import REGION
from runtime.vault.opening import Kept, open_vault
from runtime.vault.vault import DeniedError, Reader
from tests.runtime.house_helpers import CUSTOMER, OTHER, House, client_of, reached, wall

NAME, STREET, MAIL = "Jane Doe", "12 Main Street, Springfield", "jane.doe@example.com"
CARD = "4242 4242 4242 4242"
SAID = f"My name is {NAME}. Send it to {STREET}, mail me at {MAIL}, my card is {CARD}."
SUPPORT = Reader("agent-7", "support", "the parcel is late")


class Vaulted:
    """An opened vault, and what was said meanwhile."""

    def __init__(self, kept: Kept, lines: list[dict[str, Any]]) -> None:
        self.vault, self.keys, self.kept, self.lines = kept.vault, kept.keys, kept, lines

    async def seen(self, text: str, reader: Reader, customer: str = CUSTOMER) -> str:
        return await self.vault.restored(text, customer, "s1", "r1", reader)


@asynccontextmanager
async def opened(house: House) -> AsyncIterator[Vaulted]:
    lines: list[dict[str, Any]] = []
    telemetry = Telemetry("test", wall, lambda line: lines.append(json.loads(line)))
    places = Places.read(house.variables())
    opening = open_vault(places, 20.0, DownstreamSettings(), region=REGION, telemetry=telemetry)
    with reached(house):
        async with opening as kept:
            assert kept is not None
            yield Vaulted(kept, lines)


@pytest.fixture
def play(house: House) -> Callable[[Callable[[Vaulted], Awaitable[Any]]], Any]:
    def run(scene: Callable[[Vaulted], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            async with opened(house) as one:
                return await scene(one)

        return asyncio.run(main())

    return run


def test_what_was_taken_out_comes_back_for_whoever_may_see_it_and_every_look_is_told(play):
    text, originals = redacted(SAID)

    async def scene(here: Vaulted) -> list[str]:
        await here.vault.keep(CUSTOMER, "s1", "r1", originals)
        await here.vault.keep(CUSTOMER, "s1", "r1", originals)  # written twice is kept once
        readers = [Reader(CUSTOMER, "customer", "my own"), SUPPORT, Reader("a", "analyst", "counting")]
        shown = [await here.seen(text, reader) for reader in readers]
        return [*shown, str(here.lines)]

    own, support, analyst, lines = play(scene)
    assert own == SAID.replace(CARD, "[card]")  # a card is nobody's to keep
    assert support == text.replace("[name]", NAME, 1).replace("[address]", "•••, Springfield").replace(
        "[email]", "j•••@example.com"
    )
    assert analyst == text
    assert lines.count("somebody looked into the vault") == 3
    assert "the parcel is late" in lines
    for secret in (NAME, STREET, MAIL, CARD):
        assert secret not in lines


@pytest.mark.parametrize(
    "reader",
    [
        Reader(OTHER, "customer", "curious"),
        Reader("agent-7", "support", " "),
        Reader("agent-7", "somebody", "because"),
    ],
)
def test_whoever_may_not_look_sees_nothing_and_that_is_told_too(play, reader):
    async def scene(here: Vaulted) -> Any:
        with pytest.raises(DeniedError):
            await here.seen("[name]", reader)
        return here.lines

    assert [line["reader"] for line in play(scene)] == [reader.id]


def test_nothing_is_shown_where_it_cannot_be_told(play):
    async def scene(here: Vaulted) -> Any:
        async def deaf(_: object) -> None:
            raise OSError("no audit")

        here.vault._audit = deaf
        with pytest.raises(OSError, match="no audit"):
            await here.seen("[name]", SUPPORT)

    play(scene)


def test_a_box_opens_for_its_customer_alone(play):
    async def scene(here: Vaulted) -> str:
        await here.vault.keep(CUSTOMER, "s1", "r1", redacted(SAID)[1])
        return await here.seen(redacted(SAID)[0], SUPPORT, customer=OTHER)

    assert play(scene) == redacted(SAID)[0]


def test_many_at_once_make_one_key(play):
    who = f"c-{uuid4().hex}"

    async def scene(here: Vaulted) -> Any:
        return await asyncio.gather(*(here.keys.own(who) for _ in range(8)))

    assert len(set(play(scene))) == 1


def test_nothing_is_sealed_for_somebody_who_was_erased_meanwhile(play, house: House):
    who = f"c-{uuid4().hex}"

    async def scene(here: Vaulted) -> Any:
        await here.keys.own(who)  # this process knows the key for a minute
        client_of(house, "dynamodb").delete_item(TableName="customer-keys", Key={"customer": {"S": who}})
        await here.vault.keep(who, "s1", "r1", redacted(SAID)[1])
        return here.lines

    assert [line["message"] for line in play(scene)] == ["originals could not be kept in the vault"]
    assert who not in str(client_of(house, "dynamodb").scan(TableName="pii-vault")["Items"])


def test_what_is_written_in_the_tables_says_nothing(play, house: House):
    async def scene(here: Vaulted) -> None:
        await here.vault.keep(CUSTOMER, "s1", "r1", redacted(SAID)[1])

    play(scene)
    stored = str(client_of(house, "dynamodb").scan(TableName="pii-vault")["Items"])
    assert CUSTOMER in stored
    for secret in (NAME, STREET, MAIL, CARD):
        assert secret not in stored
