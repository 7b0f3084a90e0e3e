"""All interactions of the contracts, asked in turn, and what came of each."""

import asyncio
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from contract.consumers import Consumer, Interaction, consumers, file_of
from contract.errors import DONE, FAILED, INCONCLUSIVE, WrongUseError
from rehearsal.contracts import asking, shape
from rehearsal.shop.__main__ import serving
from rehearsal.shop.services import Shop

SEED = 7
NOBODYS = "B0NOBODYS0"
# Providers that live at another's place.
BESIDE = {"returns": "orders"}
Came = Literal["kept", "broken", "unseen", "silent", "skipped"]
_VERIFIED = re.compile(r"^verified = .*$", re.MULTILINE)


class ContractsError(WrongUseError):
    """Something that cannot be verified as it was asked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one interaction. `unseen`: promised fields that no answer showed; `why`: for a person."""

    provider: str
    interaction: str
    came: Came
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All of them."""

    lines: tuple[Line, ...]

    @property
    def exit_code(self) -> int:
        came = {line.came for line in self.lines}
        if "broken" in came:
            return FAILED
        return INCONCLUSIVE if came & {"unseen", "silent"} or came == {"skipped"} else DONE

    @property
    def kept(self) -> Sequence[str]:
        """Providers whose every interaction was asked and kept."""
        bad = {line.provider for line in self.lines if line.came != "kept"}
        return [name for name in dict.fromkeys(line.provider for line in self.lines) if name not in bad]


def against_stand_ins(only: Collection[str] = ()) -> Report:
    """The shop's stand-ins, served for as long as it takes. They know all samples, and may be written to."""
    chosen = _chosen(only)
    shop = Shop(seed=SEED, speed=3)
    order = next(o for o in shop.trade.orders.values() if not o.refunds and not o.complaints)
    samples = {
        "asin": next(iter(shop.catalogue.products)),
        "words": "camera",
        "order": order.id,
        "customer": order.customer,
    }

    async def run() -> Report:
        async with serving(shop, SEED) as said:
            return await _run(chosen, said["urls"], samples, writes=True)

    return asyncio.run(run())


def against(places: Mapping[str, str], samples: Mapping[str, str], *, writes: bool = False) -> Report:
    """Providers at places of their own. Nothing is written there unless it may be."""
    return asyncio.run(_run(_chosen(places), places, samples, writes=writes))


def record(kept: Collection[str], today: date, notes: Path, report: Report) -> None:
    """Writes the day into the files of providers that kept everything, and beside the build what came."""
    for provider in kept:
        file = file_of(provider)
        text = file.read_text(encoding="utf-8")
        file.write_text(_VERIFIED.sub(f"verified = {today.isoformat()}", text, count=1), encoding="utf-8")
    notes.parent.mkdir(parents=True, exist_ok=True)
    lines = [asdict(line) for line in report.lines]
    notes.write_text(json.dumps({"verified": today.isoformat(), "lines": lines}, indent=2) + "\n")


def _chosen(only: Collection[str]) -> Sequence[Consumer]:
    known = consumers()
    if unknown := sorted(set(only) - set(known)):
        raise ContractsError(f"no contract with {unknown[0]}: there are {', '.join(known)}")
    return [one for name, one in known.items() if not only or name in only]


async def _run(
    chosen: Sequence[Consumer], places: Mapping[str, str], samples: Mapping[str, str], *, writes: bool
) -> Report:
    known = {"nobodys": NOBODYS, **samples}
    _check_samples(chosen, known, writes=writes)
    lines: list[Line] = []
    for consumer in chosen:
        place = places.get(consumer.provider) or places[BESIDE.get(consumer.provider, "")]
        async with asking.provider(consumer, place) as provider:
            lines += [
                await _line(consumer, interaction, provider, known, writes=writes)
                for interaction in consumer.interactions
            ]
    return Report(tuple(lines))


def _check_samples(chosen: Sequence[Consumer], known: Mapping[str, str], *, writes: bool) -> None:
    """Before anything is asked. What an earlier interaction teaches need not be given."""
    there = set(known)
    for consumer in chosen:
        for interaction in consumer.interactions:
            if interaction.writes and not writes:
                continue
            if missing := sorted(interaction.samples - there):
                raise ContractsError(
                    f"{consumer.provider}, {interaction.name}: needs a sample the provider knows: give "
                    f"--sample {missing[0]}=..."
                )
            there |= set(interaction.learns)


async def _line(
    consumer: Consumer,
    interaction: Interaction,
    provider: asking.Provider,
    known: dict[str, str],
    *,
    writes: bool,
) -> Line:
    def line(came: Came, *why: str) -> Line:
        return Line(consumer.provider, interaction.name, came, why)

    if interaction.writes and not writes:
        return line("skipped", "it writes: --writes allows it")
    try:
        status, answer = await provider.ask(interaction.filled(known))
    except asking.SilentError as silent:
        return line("silent", str(silent))
    if status != interaction.status:
        return line("broken", f"status {status}, not {interaction.status}")
    seen = shape.look(answer, interaction)
    for sample, path in interaction.learns.items():
        known.setdefault(sample, shape.first(answer, path) or NOBODYS)
    if seen.problems:
        return line("broken", *map(str, seen.problems))
    if seen.unseen:
        return line("unseen", f"no answer showed {', '.join(seen.unseen)}: give another sample")
    return line("kept")
