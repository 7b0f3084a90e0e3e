# ruff: noqa: ARG005 - what replaces a method takes what it takes
"""Bugs in what a person gets: text of several models, frames and their numbers, the end of a stream."""

from dataclasses import replace
from typing import Any

from contract.frames import ServerFrame
from contract.outcomes import Outcome
from runtime import conversation, reply
from runtime.canned import Canned
from runtime.failover import call, classify, page
from tests.runtime import properties_answer_helpers as properties
from tests.runtime.mutant_helpers import Mutant, replaced
from tests.runtime.properties_helpers import stories_keep_every_promise


def _ends_once_more(original: Any) -> Any:
    async def answer(self: Any, ask: Any, session_id: str, send: Any) -> ServerFrame:
        ending: ServerFrame = await original(self, ask, session_id, send)
        await send(ending.model_copy(update={"sequence_number": ending.sequence_number + 1}))
        return ending

    return answer


def _marks_nothing(original: Any) -> Any:
    return lambda self, answer, usage: original(self, replace(answer, from_knowledge_base=False), usage)


def _sends_the_ending_twice(original: Any) -> Any:
    async def answer(self: Any, ask: Any, session_id: str, send: Any) -> ServerFrame:
        ending: ServerFrame = await original(self, ask, session_id, send)
        await send(ending)
        return ending

    return answer


def _skips_a_number(_: Any) -> Any:
    def number(self: Any) -> int:
        self._count += 1 if self._count != 1 else 2
        return int(self._count - 1)

    return number


def _mixes_two_models(_: Any) -> Any:
    return lambda self, outcome, checked: None


def _goes_on_from_anything(original: Any) -> Any:
    return lambda self, outcome, checked: original(self, outcome, checked=True)


def _goes_on_in_silence(_: Any) -> Any:
    async def write(self: Any, chunk: str) -> None:
        self._chunks.append(chunk)
        reason, self._stale = self._stale, None
        if reason is None or len(self._chunks) > 1:
            await self._listener.text(chunk)
        else:
            await self._listener.restart(chunk, reason)

    return write


def _leaves_the_model_running(_: Any) -> Any:
    async def conclude(self: call.Call, verdict: Any) -> None:
        _kept.append(self._events)
        self._through.release() if verdict is None else self._settle(verdict)

    return conclude


_kept: list[Any] = []  # else the collector would close what a mutant forgets to close


MUTANTS = (
    Mutant(
        "canned answers are taken at random",
        stories_keep_every_promise,
        replaced(Canned, "reply", lambda _: lambda self, message: self.answers[-1].text),
    ),
    Mutant(
        "two endings",
        stories_keep_every_promise,
        replaced(conversation.Conversation, "answer", _sends_the_ending_twice),
    ),
    Mutant(
        "a sequence number is skipped",
        stories_keep_every_promise,
        replaced(reply.Reply, "_number", _skips_a_number),
    ),
    Mutant(
        "the next model goes on where the last one broke off",
        properties.half_an_answer_is_never_mixed_with_another,
        replaced(page.Page, "withdraw", _mixes_two_models),
    ),
    Mutant(
        "the next model goes on where the last one broke off, seen from outside",
        stories_keep_every_promise,
        replaced(page.Page, "withdraw", _mixes_two_models),
    ),
    Mutant(
        "the next model goes on from text that nobody checked",
        properties.half_an_answer_is_never_mixed_with_another,
        replaced(page.Page, "withdraw", _goes_on_from_anything),
    ),
    Mutant(
        "the next model goes on from text that nobody checked, seen from outside",
        stories_keep_every_promise,
        replaced(page.Page, "withdraw", _goes_on_from_anything),
    ),
    Mutant(
        "another model goes on, and nobody is told",
        properties.a_checked_answer_is_gone_on_from_and_the_person_is_told,
        replaced(page.Page, "write", _goes_on_in_silence),
    ),
    Mutant(
        "another model goes on, and nobody is told, seen from outside",
        stories_keep_every_promise,
        replaced(page.Page, "write", _goes_on_in_silence),
    ),
    Mutant(
        "what is gone on from is left out of the answer",
        properties.a_checked_answer_is_gone_on_from_and_the_person_is_told,
        replaced(page.Page, "go_on", lambda _: lambda self, so_far: None),
    ),
    Mutant(
        "tools run again after a step",
        properties.tools_that_ran_are_replayed,
        lambda patch: patch.setattr(call, "Ran", type("NothingIsOne", (), {})),
    ),
    Mutant(
        "a stream that nobody needs goes on",
        properties.a_client_that_cannot_be_told_stops_the_model_too,
        replaced(call.Call, "conclude", _leaves_the_model_running),
    ),
    Mutant(
        "a clean end without a stop is a whole answer",
        properties.a_stream_without_a_stop_is_cut,
        replaced(
            classify, "of_end", lambda original: lambda stop, spoke: original(stop or "end_turn", spoke=spoke)
        ),
    ),
    Mutant(
        "a stream that nobody needs goes on, seen from outside",
        stories_keep_every_promise,
        replaced(call.Call, "conclude", _leaves_the_model_running),
    ),
    Mutant(
        "one more ending, numbered as it should be, seen from outside",
        stories_keep_every_promise,
        replaced(conversation.Conversation, "answer", _ends_once_more),
    ),
    Mutant(
        "the ending lacks the beginning, seen from outside",
        stories_keep_every_promise,
        replaced(page.Page, "text", lambda _: property(lambda self: self._chunks[-1])),
    ),
    Mutant(
        "a canned answer looks like a model's, seen from outside",
        stories_keep_every_promise,
        replaced(reply.Reply, "final", _marks_nothing),
    ),
    Mutant(
        "good answers are blocked, seen from outside",
        stories_keep_every_promise,
        replaced(classify, "of_end", lambda _: lambda stop, spoke: Outcome.BLOCKED),
    ),
    Mutant(
        "tools run again after a step, seen from outside",
        stories_keep_every_promise,
        lambda patch: patch.setattr(call, "Ran", type("NothingIsOne", (), {})),
    ),
)
