"""One reply of a model: its blocks in pieces as they are streamed, made from a request before it is sent.

Everything a call answers is decided here, at once; `streams` and the server only send it in time.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from contract.faults import FaultKind
from rehearsal.bedrock import answers, context, guardrails, planner, tools
from rehearsal.bedrock.findings import INPUT, OUTPUT
from rehearsal.bedrock.guardrail_rules import Guardrail
from rehearsal.bedrock.guardrails import GuardText
from rehearsal.bedrock.requests import Conversation

_PIECES_OF_INPUT = 6
_PREFACE = ("Let me", " look that up for you.")
INTERVENED = "guardrail_intervened"


@dataclass(frozen=True, slots=True)
class Text:
    """A block of text, in the pieces it is streamed in."""

    pieces: tuple[str, ...]

    def content(self) -> dict[str, Any]:
        return {"text": "".join(self.pieces)}

    def delta(self, piece: str) -> dict[str, Any]:
        return {"text": piece}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that is asked for; its input is streamed as pieces of JSON."""

    use: tools.Use
    pieces: tuple[str, ...]

    def content(self) -> dict[str, Any]:
        return {"toolUse": {"toolUseId": self.use.id, "name": self.use.name, "input": self.use.input}}

    def delta(self, piece: str) -> dict[str, Any]:
        return {"toolUse": {"input": piece}}


Block = Text | Tool


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent. `planned`: pieces there would be without a limit of tokens; times are drawn for these."""

    blocks: tuple[Block, ...]
    stop_reason: str
    planned: int
    asked_tokens: int
    answered_tokens: int
    trace: Mapping[str, Any] | None = None

    def message(self) -> dict[str, Any]:
        return {"role": "assistant", "content": [block.content() for block in self.blocks]}

    @property
    def usage(self) -> dict[str, int]:
        asked, answered = self.asked_tokens, self.answered_tokens
        return {"inputTokens": asked, "outputTokens": answered, "totalTokens": asked + answered}


def reply(
    random: Random,
    asked: Conversation,
    wrongs: Collection[FaultKind],
    guardrail: Guardrail | None,
    *,
    streamed: bool,
) -> Reply:
    """The model's reply to a conversation, as far as its guardrail lets it pass."""
    question = guardrails.check(guardrail, asked.texts(), INPUT) if guardrail else None
    asked_tokens = count(asked)
    if guardrail and question and question.blocked:
        return _refused(random, question, _trace(asked, guardrail, question, None), asked_tokens)
    blocks, stop_reason, planned = _blocks(random, asked, wrongs)
    checked = _checked(asked, guardrail, blocks)
    late = streamed and asked.guarding is not None and asked.guarding.mode == "async"
    if checked and checked.intervened:
        stop_reason = INTERVENED if checked.blocked else stop_reason
        if not late:  # what was sent at once cannot be taken back
            shown = answers.chunked(random, checked.text, None)
            kept = () if checked.blocked else tuple(block for block in blocks if isinstance(block, Tool))
            blocks = (Text(shown.chunks), *kept)
            planned = shown.planned + sum(len(block.pieces) for block in kept)
    trace = _trace(asked, guardrail, question, checked) if guardrail else None
    return Reply(blocks, stop_reason, planned, asked_tokens, _written(blocks), trace)


def count(asked: Conversation) -> int:
    """Tokens of everything the model reads, the offered tools included."""
    offered = "".join(f"{s.name} {s.description} {json.dumps(dict(s.schema_))}" for s in _specs(asked))
    return answers.tokens(asked.input_text + offered)


def _specs(asked: Conversation) -> list[Any]:
    return [*asked.tools.specs] if asked.tools else []


def _blocks(
    random: Random, asked: Conversation, wrongs: Collection[FaultKind]
) -> tuple[tuple[Block, ...], str, int]:
    """(blocks, why they end, planned pieces)."""
    limits = asked.inference
    facts = context.read(asked.blocks)
    step = planner.plan(asked, facts)
    if step is not None:
        malformed = FaultKind.MALFORMED_TOOL in wrongs
        use = tools.use(random, step.spec, step.known, asked.question, malformed=malformed)
        preface = () if asked.used else (Text(_PREFACE),)  # said once, before the first of several
        blocks: tuple[Block, ...] = (*preface, _tool(use))
        return blocks, "tool_use", sum(len(block.pieces) for block in blocks)
    answer = answers.compose(random, asked.question, limits.max_tokens, facts, wrongs)
    answer = answers.stopped(answer, limits.stops)
    return (Text(answer.chunks),), answer.stop_reason, answer.planned


def _tool(use: tools.Use) -> Tool:
    text = json.dumps(use.input)
    size = -(-len(text) // _PIECES_OF_INPUT)
    return Tool(use, tuple(text[start : start + size] for start in range(0, len(text), size)))


def _checked(
    asked: Conversation, guardrail: Guardrail | None, blocks: Collection[Block]
) -> guardrails.Checked | None:
    if guardrail is None:
        return None
    said = "".join(piece for block in blocks if isinstance(block, Text) for piece in block.pieces)
    sources = [text for text in asked.texts() if text.qualifiers]
    return guardrails.check(guardrail, [*_read_only(sources), GuardText(text=said)], OUTPUT)


def _read_only(sources: Collection[GuardText]) -> Iterator[GuardText]:
    """A source or a question is no part of the answer, whatever else it is marked as."""
    for text in sources:
        qualifiers = [kind for kind in text.qualifiers if kind != "guard_content"]
        if qualifiers:
            yield GuardText(text=text.text, qualifiers=qualifiers)


def _refused(
    random: Random, question: guardrails.Checked, trace: Mapping[str, Any] | None, asked_tokens: int
) -> Reply:
    """The model was not asked; Bedrock counts no tokens of an answer."""
    shown = answers.chunked(random, question.text, None)
    return Reply((Text(shown.chunks),), INTERVENED, shown.planned, asked_tokens, 0, trace)


def _trace(
    asked: Conversation,
    guardrail: Guardrail,
    question: guardrails.Checked | None,
    checked: guardrails.Checked | None,
) -> Mapping[str, Any] | None:
    if asked.guarding is None or asked.guarding.trace == "disabled":
        return None
    return guardrails.trace(guardrail, question, checked)


def _written(blocks: Collection[Block]) -> int:
    return answers.tokens("".join(piece for block in blocks for piece in block.pieces))
