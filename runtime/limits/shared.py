"""Buckets in Valkey, so that all tasks together count as one. One script, one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contract.traffic_settings import BucketSettings
from runtime.valkey import AnswerError, Script, Store

PREFIX = "concierge:{limits}:"  # the braces keep all on one shard, where one script may see them


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token of one bucket. Not needed: its lack is told, and refuses nothing."""

    name: str
    bucket: BucketSettings
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """Which bucket refused, and until when in microseconds; None: none did. The same for one only wished."""

    refused: int | None
    wait_us: int
    lacking: int | None
    lacking_us: int


async def take(store: Store, wanted: Sequence[Wanted]) -> Taken:
    """Takes a token of every bucket, or of none. `ValkeyError` where there is no verdict."""
    arguments = [word for one in wanted for word in (one.bucket.most, one.bucket.period_us, int(one.needed))]
    reply = await store.run(_script(), [PREFIX + one.name for one in wanted], *arguments)
    match reply:
        case [int(refused), int(wait), int(lacking), int(lacking_wait)]:
            return Taken(_index(refused), wait, _index(lacking), lacking_wait)
    raise AnswerError(f"take.lua replied {reply!r}")


def _index(number: int) -> int | None:
    """Lua counts from one."""
    return number - 1 if number else None


@cache
def _script() -> Script:
    return Script(Path(__file__).with_name("take.lua").read_text(encoding="utf-8"))
