"""What the checks of a message and an answer are worth, and what they cost: python bench/safety.py

Precision and recall on both halves of the cases (runtime/eval/safety/cases), personal data beside Presidio's
analyser where its environment stands (`make bench-safety`), then CPU: texts of 64 KB made to be slow to read,
a usual message, and one chunk of an answer on its way. Time of the process alone.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from runtime.eval.safety.cases import (
    HALVES,
    SHOP,
    Personal,
    Score,
    injection,
    personal,
    personal_later,
    priced,
    priced_later,
    score,
)
from runtime.reply import Reply
from runtime.safety.injection import detector
from runtime.safety.output.stages import check
from runtime.safety.output.stream import Stream
from runtime.safety.pii import redact

PRESIDIO = Path(__file__).parents[1] / ".venvs" / "presidio" / "bin" / "python"
BYTES, RUNS = 65_536, 5
ALLOWED_MS = 20.0
CHUNK_US = 15.0
USUAL = (
    "Hello, I ordered the AeroPress coffee maker (order 114-1234567-1234567) last week and it has not come. "
    "My phone is 415-555-0132. Could you check where it is? It cost $39.95."
)
ANSWER = (
    "The Lumo L200 is a warm and bright lamp for a desk, and most people like how quiet its switch is. It "
    "costs $49.99, down from $59.99. The Brite Max stands on the floor and lights a whole room, so it is the "
    "better choice for a living room. Would you like to see more of them, or shall I compare these two?"
)
SLOW: Mapping[str, str] = {
    "one letter": "a",
    "digits": "1",
    "digits apart": "4 ",
    "letters apart": "i g ",
    "things that count": "ignore ",
    "several of them": "ignore all x your ",
    "things and no attempt": "the your old show ",
    "marks": "e\u0301\u0323",
    "half-width kana": "ﾑｼ",
    "han": "指示",
    "ligatures": "ﷺ",
    "mail": "a@a.a",
    "telephones": "415-555-0132 ",
    "cards": "4111111111111111 ",
    "accounts": "DE89 3704 ",
    "prices": "$1,2",
    "streets": "1 Aa Bb Cc Dd ",
    "packed": "QUJD",
    "dots": "a.",
    "lines": "\n",
    "mail and numbers": "a@a.a 1 ",
    "amounts": "$1 ",
    "amounts of a product": "Lumo $1. ",
    "rude words": "crap ",
    "insults": "shut up. ",
    "no products": "B0AAAAAAAA ",
    "shops": "walmart ",
    "shares": "5% off ",
    "shops of one word": "at Target ",
    "insults in words": "you idiot sue court. ",
    "amounts in words": "one dollar ",
    "amounts in han": "九ドル ",
    "towns": "市1",
    "names": "名前は",
    "post codes": "CA 94110 ",
    "mail in words": "a at a dot ",
}


def main() -> int:
    print("cases            half      found of  recall  precision  false positives")
    for name, cases in (("injection", injection), ("personal data", personal), ("prices", priced)):
        for half in HALVES:
            _row(name, half, score(cases(), half))
    print("read later, in other words (docs/safety.md says which were mended by)")
    for name in ("later", "last", "fresh", "second", "third", "blind"):
        _row("injection", name, score(injection(name)))
    for name in ("fresh", "second", "blind"):
        _row("personal data", name, score(personal_later(name)))
        _row("prices", name, score(priced_later(name)))
    _beside_presidio()
    worst = {name: _worst(read) for name, read in READERS.items()}
    for reader, (name, ms) in worst.items():
        print(f"64 KB, {reader}: slowest {ms:.1f} ms ({name}); allowed {ALLOWED_MS:.0f}")
    print(f"a usual message, injection: {_ms(lambda: detector().judge(USUAL)) * 1e3:.0f} µs")
    print(f"a usual message, personal data: {_ms(lambda: redact(USUAL)) * 1e3:.0f} µs")
    print(f"a usual answer, all six checks: {_ms(lambda: check(ANSWER, SHOP)) * 1e3:.0f} µs")
    chunk = asyncio.run(_chunk())
    print(f"one chunk of an answer, mean of all: {chunk:.1f} µs; allowed {CHUNK_US:.0f}")
    return int(chunk > CHUNK_US or any(ms > ALLOWED_MS for reader, (_, ms) in worst.items()))


def _row(name: str, part: str, one: Score) -> None:
    found = one.positives - len(one.missed)
    print(
        f"{name:16} {part:6} {found:6} {one.positives:5}  {one.recall:6.3f}  {one.precision:9.3f}"
        f"  {one.false_share:6.1%} of {one.negatives}"
    )


def _beside_presidio() -> None:
    """The same cases, with the same question: is the value gone, does a text without one stay as it is?"""
    cases = list(personal())
    took = _ms(lambda: [redact(case.text) for case in cases]) / len(cases)
    print("\npersonal data, beside its peer      recall  false positives  English alone     ms a text")
    _told("ours", [case.right() for case in cases], cases, took)
    if not PRESIDIO.exists():
        print("Presidio is not set up: make bench-safety")
        return
    asked = json.dumps([case.text for case in cases])
    here = [str(PRESIDIO), str(Path(__file__).with_name("_presidio.py"))]
    answer = subprocess.run(here, input=asked, capture_output=True, text=True, check=True, timeout=600)
    for way, said in json.loads(answer.stdout).items():
        right = [
            (case.value not in out) if case.value else (out == case.text)
            for case, out in zip(cases, said["texts"], strict=True)
        ]
        _told(f"Presidio, {way}", right, cases, said["ms"])
    print()


def _told(who: str, right: Sequence[bool], cases: Sequence[Personal], ms: float) -> None:
    def share(positive: bool, english: bool) -> float:
        mine = [
            ok
            for ok, one in zip(right, cases, strict=True)
            if one.positive == positive and (one.text.isascii() or not english)
        ]
        return sum(mine) / max(1, len(mine))

    print(
        f"{who:35} {share(True, False):6.3f}  {1 - share(False, False):15.1%}"
        f"  {share(True, True):6.3f} {1 - share(False, True):6.1%}  {ms:12.3f}"
    )


READERS: Mapping[str, Callable[[str], object]] = {
    "injection": lambda text: detector().judge(text),
    "personal data": redact,
    "all six checks": lambda text: check(text, SHOP),
}


def _worst(read: Callable[[str], object]) -> tuple[str, float]:
    """The slowest text and its milliseconds."""
    texts = {name: (part * BYTES).encode()[:BYTES].decode(errors="ignore") for name, part in SLOW.items()}
    times = {name: _ms(partial(read, text)) for name, text in texts.items()}
    name = max(times, key=lambda name: times[name])
    return name, times[name]


def _ms(work: Callable[[], object]) -> float:
    """Of the fastest run: others are the machine's."""
    work()
    took = []
    for _ in range(RUNS):
        began = time.process_time_ns()
        work()
        took.append((time.process_time_ns() - began) / 1e6)
    return min(took)


async def _chunk() -> float:
    """Microseconds that a chunk costs in the stream, above sending it."""

    async def send(_: object) -> None:
        return None

    async def lookup(_: object) -> tuple[()]:
        return ()

    chunks = [ANSWER[place : place + 5] for place in range(0, len(ANSWER), 5)]

    async def checked() -> float:
        stream = Stream(Reply("r", send), SHOP, lookup)
        began = time.process_time_ns()
        for chunk in chunks:
            await stream.text(chunk)
        return (time.process_time_ns() - began) / 1e3 / len(chunks)

    async def bare() -> float:
        reply = Reply("r", send)
        began = time.process_time_ns()
        for chunk in chunks:
            await reply.text(chunk)
        return (time.process_time_ns() - began) / 1e3 / len(chunks)

    return median([await checked() for _ in range(20)]) - median([await bare() for _ in range(20)])


if __name__ == "__main__":
    sys.exit(main())
