"""One line of training data: what Bedrock and our own classifier take, read without trust.

Three shapes: prompt and completion; a conversation (`bedrock-conversation-2024`); text and label.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Shape = Literal["completion", "conversation", "label"]
CONVERSATION = "bedrock-conversation-2024"
_READ_BYTES = 1 << 20
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")
_LETTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Example:
    """What a line teaches: this asked, that answered."""

    shape: Shape
    asked: str
    answered: str

    @property
    def tokens(self) -> int:
        return tokens(self.asked) + tokens(self.answered)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: an example, or why it is none. `number` from 1; an empty line is neither."""

    number: int
    raw: bytes
    example: Example | None = None
    problem: str = ""
    detail: str = ""

    @property
    def empty(self) -> bool:
        return self.example is None and not self.problem


def lines(file: Path, longest: int) -> Iterator[Line]:
    """All lines, one in memory at a time; of one that is too long no more than that."""
    with file.open("rb", buffering=_READ_BYTES) as stream:
        number = 0
        while raw := stream.readline(longest + 1):
            number += 1
            if len(raw) > longest and not raw.endswith(b"\n"):
                while (rest := stream.readline(_READ_BYTES)) and not rest.endswith(b"\n"):
                    pass
                yield Line(number, raw[:200], None, "too long a line", f"more than {longest:,} bytes")
            else:
                yield read(number, raw)


def read(number: int, raw: bytes) -> Line:
    """One line, judged by its form alone."""
    body = raw.rstrip(b"\r\n")
    if number == 1 and body.startswith(b"\xef\xbb\xbf"):
        return Line(
            number, raw, None, "byte order mark", "the file begins with one: save it as UTF-8 without"
        )
    if not body.strip():
        return Line(number, raw)
    try:
        said = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as wrong:
        return Line(number, raw, None, "no UTF-8", f"byte {wrong.start}: {wrong.reason}")
    except (ValueError, RecursionError) as wrong:
        return Line(number, raw, None, "no JSON", str(wrong)[:120])
    found = example(said)
    return Line(number, raw, None, "shape", found) if isinstance(found, str) else Line(number, raw, found)


def example(said: Any) -> Example | str:
    """What a document teaches, or what is wrong with it."""
    if not isinstance(said, Mapping):
        return "not an object"
    if "messages" in said:
        return _conversation(said)
    for shape, asked, answered in (("completion", "prompt", "completion"), ("label", "text", "label")):
        if asked in said or answered in said:
            return _pair(said, "completion" if shape == "completion" else "label", asked, answered)
    found = ", ".join(map(str, said))[:80] or "nothing"
    return f"neither prompt and completion, nor text and label, nor messages, but {found}"


def _pair(said: Mapping[str, Any], shape: Shape, asked: str, answered: str) -> Example | str:
    for name in (asked, answered):
        if not isinstance(said.get(name), str):
            return f"{name} is no text" if name in said else f"{name} is missing"
        if not said[name].strip():
            return f"{name} is empty"
        if not _sayable(said[name]):
            return f"{name} has half a character (a lone surrogate)"
    if more := sorted(set(said) - {asked, answered}):
        return f"has {more[0]!r} beside {asked} and {answered}"
    return Example(shape, said[asked], said[answered])


def _conversation(said: Mapping[str, Any]) -> Example | str:
    if said.get("schemaVersion") != CONVERSATION:
        return f"schemaVersion is not {CONVERSATION}"
    texts: list[tuple[str, str]] = []
    for number, turn in enumerate(said["messages"] if isinstance(said["messages"], list) else ()):
        role = ("user", "assistant")[number % 2]
        if not isinstance(turn, Mapping) or turn.get("role") != role:
            return f"message {number + 1} is not the {role}'s: they take turns, the user first"
        text = _text(turn.get("content"))
        if not text:
            return f"message {number + 1} has no text"
        texts.append((role, text))
    if not texts or texts[-1][0] != "assistant":
        return "does not end with a message of the assistant"
    system = _text(said.get("system"))
    asked = "\n".join([*([system] if system else []), *(text for _, text in texts[:-1])])
    return Example("conversation", asked, texts[-1][1])


def _text(content: Any) -> str:
    parts = content if isinstance(content, list) else []
    found = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in found if isinstance(text, str) and _sayable(text)).strip()


def _sayable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text) if not text.isascii() else True


def tokens(text: str) -> int:
    """About what a tokenizer counts: a quarter of the letters, and each of CJK. No model's own count."""
    if text.isascii():
        return -(-len(text) // _LETTERS_A_TOKEN)
    wide = len(_CJK.findall(text))
    return wide + -(-(len(text) - wide) // _LETTERS_A_TOKEN)
