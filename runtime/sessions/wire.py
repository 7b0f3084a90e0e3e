"""Sessions as items of DynamoDB: keys, attributes, and back. Nothing is sent here.

A session's items are one partition: `shard` is its id behind a hash of it, which spreads sessions evenly
whatever their ids look like. In it, by `item`: `done#<request>` for each turn that was written, the turns by
their time, and last `~brief`, the summary, and `~meta`: one query backwards finds all that is needed.

Turns are not spread over several partitions: people type one every few seconds, and a partition takes a
thousand writes a second. What may be hot is reading one shared session: that is the cache's business.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.sessions.memory import Kept, Memory, Turn

SHARDS = 256
META, SUMMARY, TURN, DONE = "~meta", "~brief", "turn#", "done#"
_TIME = "%Y%m%dT%H%M%S%f"
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lives:
    """How long what is written lives."""

    meta: timedelta
    turns: timedelta


@dataclass(frozen=True, slots=True)
class Known:
    """What a user sees of a session in a list."""

    session_id: str
    created: datetime
    updated: datetime
    turns: int


def shard(session_id: str) -> str:
    digest = hashlib.sha256(session_id.encode()).digest()
    return f"{digest[0] % SHARDS:02x}#{session_id}"


def text(value: str) -> dict[str, str]:
    return {"S": value}


def number(value: float) -> dict[str, str]:
    return {"N": str(value)}


def key(session_id: str, item: str) -> Item:
    return {"shard": text(shard(session_id)), "item": text(item)}


def turn_item(session_id: str, turn: Turn, lives: Lives) -> Item:
    return {
        **key(session_id, f"{TURN}{turn.at.strftime(_TIME)}#{turn.request_id}"),
        "request": text(turn.request_id),
        "at": text(turn.at.isoformat()),
        "asked": text(turn.asked),
        "answered": text(turn.answered),
        "intent": text(turn.intent),
        "asins": {"L": [text(asin) for asin in turn.asins]},
        "ending": text(turn.ending),
        "expires_at": _ends(turn.at, lives.turns),
    }


def done_item(session_id: str, turn: Turn, lives: Lives) -> Item:
    """That this request was written down, however often it is sent."""
    return {
        **key(session_id, f"{DONE}{turn.request_id}"),
        "expires_at": _ends(turn.at, lives.turns),
    }


def summary_item(memory: Memory, at: datetime, lives: Lives) -> Item:
    """It says what was said, so it lives no longer than that."""
    through = memory.through or at
    return {
        **key(memory.session_id, SUMMARY),
        "text": text(memory.summary),
        "through": text(through.isoformat()),
        "expires_at": _ends(at, lives.turns),
    }


def meta_item(session_id: str, user: str, until: datetime) -> Item:
    """Whose a session is, where the store itself knows it."""
    return {
        **key(session_id, META),
        "user": text(user),
        "expires_at": number(int(until.timestamp())),
    }


def meta_update(session_id: str, user: str, at: datetime, lives: Lives) -> Mapping[str, Any]:
    """Makes the session with its first turn; whoever else's it is, it stays theirs."""
    return {
        "Key": key(session_id, META),
        "UpdateExpression": (
            "SET #user = :user, updated = :at, created = if_not_exists(created, :at), "
            "expires_at = :ends ADD turns :one"
        ),
        "ConditionExpression": "attribute_not_exists(#user) OR #user = :user",
        "ExpressionAttributeNames": {"#user": "user"},
        "ExpressionAttributeValues": {
            ":user": text(user),
            ":at": text(at.isoformat()),
            ":ends": _ends(at, lives.meta),
            ":one": number(1),
        },
    }


def owner(items: Sequence[Item]) -> str | None:
    """Whose session these items are; None: nobody's yet."""
    return next((_said(item, "user") for item in items if _said(item, "item") == META), None)


def memory(session_id: str, user: str, items: Sequence[Item], now: datetime) -> Memory:
    """From items in any order. What has expired is gone, whether or not DynamoDB has removed it yet."""
    living = [item for item in items if float(item["expires_at"]["N"]) > now.timestamp()]
    if owner(living) is None:
        return Memory(session_id, user, Kept.NEW)
    summary = next((item for item in living if _said(item, "item") == SUMMARY), None)
    through = datetime.fromisoformat(_said(summary, "through")) if summary else None
    turns = sorted(
        (_turn(item) for item in living if _said(item, "item").startswith(TURN)), key=lambda t: t.at
    )
    return Memory(
        session_id,
        user,
        Kept.STORED,
        turns=tuple(turn for turn in turns if through is None or turn.at > through),
        summary=_said(summary, "text") if summary else "",
        through=through,
    )


def known(item: Item) -> Known:
    session_id = _said(item, "shard").partition("#")[2]
    at = [datetime.fromisoformat(_said(item, name)) for name in ("created", "updated")]
    return Known(session_id, at[0], at[1], int(item["turns"]["N"]))


def turns_of(items: Sequence[Item], now: datetime) -> Sequence[Turn]:
    """Every turn, the oldest first, those in a summary too."""
    living = (item for item in items if float(item["expires_at"]["N"]) > now.timestamp())
    return [_turn(item) for item in living if _said(item, "item").startswith(TURN)]


def _turn(item: Item) -> Turn:
    return Turn(
        request_id=_said(item, "request"),
        at=datetime.fromisoformat(_said(item, "at")),
        asked=_said(item, "asked"),
        answered=_said(item, "answered"),
        intent=_said(item, "intent"),
        asins=tuple(str(one["S"]) for one in item["asins"]["L"]),
        ending=_said(item, "ending") if "ending" in item else "",
    )


def _said(item: Item, name: str) -> str:
    return str(item[name]["S"])


def _ends(at: datetime, life: timedelta) -> dict[str, str]:
    return number(int((at.astimezone(UTC) + life).timestamp()))
