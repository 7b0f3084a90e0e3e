"""A file that may be trained on, made of one that may not. The original stays, and nothing is overwritten.

What can be mended is: marks at the beginning, personal data, fields nobody knows. What cannot is left out
and told in a file beside, with the reason. What is left can be split: no two like examples are on both sides.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from runtime.safety import pii
from training import check, examples
from training.check import Listener
from training.errors import DataError
from training.examples import Example, Line
from training.limits import limits
from training.near import Near

_BOM = b"\xef\xbb\xbf"


@dataclass
class Repaired:
    """How many examples went where, and why."""

    out: Path
    held_out: Path | None
    rejected: Path
    kept: int = 0
    held: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)


def repair(file: Path, out: Path, *, split: float = 0.0, listener: Listener = lambda *_: None) -> Repaired:
    """`split`: share of the examples that go to a file of their own, to judge by."""
    done = Repaired(
        out,
        out.with_name(f"{out.stem}.held-out{out.suffix}") if split else None,
        out.with_name(f"{out.stem}.rejected{out.suffix}"),
    )
    targets = [path for path in (done.out, done.held_out, done.rejected) if path is not None]
    if there := [path for path in targets if path.exists()]:
        raise DataError(f"{there[0]}: is there already and is not overwritten: choose another name")
    if not 0 <= split < 1:
        raise DataError(f"--split {split:g}: from 0 to below 1")
    again = _again(file, done, listener)
    with ExitStack() as stack:
        parts = {path: stack.enter_context(_Part(path)) for path in targets}
        number = 0
        for line in _mended(file, Counter()):
            verdict = line.problem or ("empty line" if line.example is None else "")
            if not verdict and line.example is not None:
                verdict = again.get(number, "")
                number += 1
            if verdict or line.example is None:
                done.left_out[verdict] += 1
                parts[done.rejected].write({"line": line.number, "why": verdict, "detail": line.detail})
                continue
            place = done.held_out if split and _chance(line.example.asked) < split else None
            parts[place or done.out].write(_document(line, line.example))
            done.held += place is not None
            done.kept += place is None
        for part in parts.values():
            part.keep()
    return done


def _again(file: Path, done: Repaired, listener: Listener) -> "_Said":
    """What each example is, that was said before: duplicate, near duplicate, contradiction."""
    size = check.size(file)
    read = 0
    with Near(limits().near) as near:
        for line in _mended(file, done.mended):
            read += len(line.raw)
            if line.number % 20_000 == 0:
                listener(read, size, line.number)
            if line.example is not None and not line.problem:
                near.add(line.example.asked, line.example.answered)
        said = _Said(near.count)
        for pair in near.pairs():
            said.set(pair.text, pair.how)
        return said


class _Said:
    """A byte for each example."""

    _WORDS: Mapping[int, str] = {1: "duplicate", 2: "contradiction", 3: "near duplicate"}
    _CODES: Mapping[str, int] = {"whole": 1, "asked": 2, "near": 3}

    def __init__(self, count: int) -> None:
        self._codes: NDArray[np.uint8] = np.zeros(count, np.uint8)

    def set(self, text: int, how: str) -> None:
        self._codes[text] = self._CODES[how]

    def get(self, text: int, otherwise: str) -> str:
        return self._WORDS.get(int(self._codes[text]), otherwise)


def _mended(file: Path, mended: Counter[str]) -> Iterator[Line]:
    """Its lines, each as good as it can be made."""
    allowed = limits()
    for line in examples.lines(file, allowed.most_characters_a_line):
        found = line
        if line.problem == "byte order mark":
            found = examples.read(0, line.raw.removeprefix(_BOM))
            found = Line(line.number, line.raw, found.example, found.problem, found.detail)
            mended[line.problem] += 1
        if found.problem == "shape":
            found = _fields(found, mended)
        yield _clean(found, mended, allowed.most_tokens)


def _fields(line: Line, mended: Counter[str]) -> Line:
    """Without fields that nobody knows, if that is all that is wrong."""
    said = json.loads(line.raw.removeprefix(_BOM))
    if not isinstance(said, Mapping) or "messages" in said:
        return line
    pair = ("prompt", "completion") if "prompt" in said else ("text", "label")
    found = examples.example({name: said[name] for name in pair if name in said})
    if isinstance(found, str):
        return line
    mended["fields nobody knows"] += 1
    return Line(line.number, line.raw, found)


def _clean(line: Line, mended: Counter[str], most_tokens: int) -> Line:
    if line.example is None:
        return line
    example = line.example
    asked, answered = pii.redact(example.asked), pii.redact(example.answered)
    if (asked, answered) != (example.asked, example.answered):
        if example.shape == "conversation":
            return Line(line.number, line.raw, None, "personal data", "in a conversation: mend it by hand")
        mended["personal data"] += 1
        example = Example(example.shape, asked, answered)
    if example.tokens > most_tokens:
        return Line(line.number, line.raw, None, "too long", f"about {example.tokens} tokens")
    return Line(line.number, line.raw, example)


def _document(line: Line, example: Example) -> Mapping[str, Any]:
    if example.shape == "conversation":
        said: Mapping[str, Any] = json.loads(line.raw.removeprefix(_BOM))
        return said
    if example.shape == "label":
        return {"text": example.asked, "label": example.answered}
    return {"prompt": example.asked, "completion": example.answered}


def _chance(text: str) -> float:
    """Where an example goes: by what it asks alone, the same in every run."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()) / 2**64


class _Part:
    """A file that is there whole or not at all, and never in place of another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._stream: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._stream = self._part.open("w", encoding="utf-8")
        except OSError as wrong:
            raise DataError(f"{self._path}: cannot be written: {wrong.strerror}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()
        self._part.unlink(missing_ok=True)

    def write(self, said: Mapping[str, Any]) -> None:
        assert self._stream is not None  # noqa: S101 - within the block
        self._stream.write(json.dumps(said, ensure_ascii=False) + "\n")

    def keep(self) -> None:
        """Under its own name, unless somebody took that meanwhile."""
        assert self._stream is not None  # noqa: S101 - within the block
        self._stream.flush()
        os.fsync(self._stream.fileno())
        try:
            os.link(self._part, self._path)
        except FileExistsError:
            raise DataError(f"{self._path}: is there already and is not overwritten") from None
