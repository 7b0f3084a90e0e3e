# ruff: noqa: ARG005 - what replaces a method takes what it takes
"""Failover with a bug planted in it: what an invariant is worth shows in the bugs that it notices.

Each mutant is one slip a person could make, patched into the real classes, and names the property that must
notice it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from pytest import MonkeyPatch

from contract.controls import Controls
from contract.frames import ServerFrame
from contract.outcomes import Outcome
from runtime import conversation, reply, route
from runtime.canned import Canned
from runtime.failover import breaker, budget, call, classify, guard, ladder, limit, page, window
from runtime.failover.breaker import Breaker, Permit, State
from runtime.failover.classify import Verdict
from tests.runtime import properties_helpers as properties

Patch = Callable[[MonkeyPatch], None]


class Mutant(NamedTuple):
    """A bug, by what it does, and the property that kills it."""

    name: str
    killed_by: Callable[[], None]
    plant: Patch


def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Patch:
    """`make` gets the original and gives what takes its place."""

    def plant(patch: MonkeyPatch) -> None:
        original = owner.__dict__[name] if isinstance(owner, type) else getattr(owner, name)
        patch.setattr(owner, name, make(original))

    return plant


def _one_bucket_too_many(original: Any) -> Any:
    """Off by one: the oldest bucket is wiped when the ring comes round to it, and not a step earlier."""

    def turn_to(self: Any, bucket: int) -> None:
        original(self, bucket - 1)
        self._bucket = max(self._bucket, bucket)

    return turn_to


def _forgets_nothing(_: Any) -> Any:
    def turn_to(self: Any, bucket: int) -> None:
        self._bucket = max(self._bucket, bucket)

    return turn_to


def _takes_back_what_is_forgotten(_: Any) -> Any:
    def take_back(self: Any, bucket: int) -> None:
        self._calls[bucket % window.BUCKETS] -= 1
        self._total -= 1

    return take_back


def _older_generations_count(_: Any) -> Any:
    def give_back(self: Permit) -> bool:
        held, self._held = self._held, False
        return held

    return give_back


def _settles_as_often_as_told(_: Any) -> Any:
    def give_back(self: Permit) -> bool:
        return self._generation == self._breaker.generation

    return give_back


def _keeps_cancelled_probes(_: Any) -> Any:
    def take(self: Breaker, number: int) -> None:
        self._waiting.pop(number, None)

    return take


def _leaks_what_is_cancelled(_: Any) -> Any:
    def take(self: Breaker, number: int) -> None:
        self._credit += self._state is State.HALF_OPEN

    return take


def _everything_counts(_: Any) -> Any:
    def settle(self: Permit, outcome: Outcome) -> None:
        if outcome is Outcome.OK:
            self.alive()
        elif self._give_back():
            self._breaker.fail(self._number, self._good, outcome)

    return settle


def _ends_once_more(original: Any) -> Any:
    async def answer(self: Any, ask: Any, session_id: str, send: Any) -> ServerFrame:
        ending: ServerFrame = await original(self, ask, session_id, send)
        await send(ending.model_copy(update={"sequence_number": ending.sequence_number + 1}))
        return ending

    return answer


def _marks_nothing(original: Any) -> Any:
    return lambda self, answer, usage: original(self, replace(answer, from_knowledge_base=False), usage)


def _listens_to_nobody(original: Any) -> Any:
    return lambda self, message, controls: original(self, message, Controls())


def _has_all_the_time_there_is(original: Any) -> Any:
    def begin(self: call.Call, rung: Any, events: Any, through: Any, _: float, *rest: Any) -> None:
        original(self, rung, events, through, float("inf"), *rest)

    return begin


def _full_units_are_failures(original: Any) -> Any:
    def count_failure(self: Breaker, now: float, number: int, *, full: bool = False) -> None:
        original(self, now, number)

    return count_failure


def _never_closes(_: Any) -> Any:
    def ramp_up(self: Breaker) -> None:
        self._step = min(self._step + 1, len(self._shares) - 1)

    return ramp_up


def _closes_at_once(_: Any) -> Any:
    return lambda self: self._become(State.CLOSED, "one share is as good as all")


def _ramps_on_old_probes(_: Any) -> Any:
    def ramp_up(self: Breaker) -> None:
        if self._step + 1 < len(self._shares):
            self._step += 1
            self._good_probes = 0
        else:
            self._become(State.CLOSED, "its probes were good")

    return ramp_up


def _probes_by_share_alone(_: Any) -> Any:
    def probe(self: Breaker, now: float) -> bool:
        self._credit += self._shares[self._step]
        if self._credit < breaker.ALMOST_ONE:
            return False
        self._credit -= 1.0
        return True

    return probe


def _a_fifth_is_too_many(original: Any) -> Any:
    def too_many(self: Breaker, now: float, number: int) -> str:
        calls, failures = self._window.tally(now)
        return "a fifth" if calls >= 100 and failures * 5 >= calls else str(original(self, now, number))

    return too_many


def _admits_while_open(_: Any) -> Any:
    return lambda self, now: True


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


def _ignores_the_gap(_: Any) -> Any:
    return lambda self: self.started + self.rung.total_s


def _leaves_the_model_running(_: Any) -> Any:
    async def conclude(self: call.Call, verdict: Any) -> None:
        _kept.append(self._events)
        self._through.release() if verdict is None else self._settle(verdict)

    return conclude


_kept: list[Any] = []  # else the collector would close what a mutant forgets to close


def _without_a_floor(original: Any) -> Any:
    def begin(self: limit.Limit, settings: Any, most: int) -> None:
        original(self, settings, most)
        self._floor = 1

    return begin


def _gives_no_room_back(_: Any) -> Any:
    return lambda self: None


def _blames_the_rung_for_the_deadline(original: Any) -> Any:
    def failed(self: call.Call, error: Exception, limit_: float) -> Any:
        verdict = original(self, error, limit_)
        self.ran_out = False
        return verdict

    return failed


MUTANTS = (
    Mutant(
        "the window is one bucket too long",
        properties.window_equals_recount,
        replaced(window.Window, "_turn_to", _one_bucket_too_many),
    ),
    Mutant(
        "the window forgets nothing",
        properties.window_equals_recount,
        replaced(window.Window, "_turn_to", _forgets_nothing),
    ),
    Mutant(
        "a call is taken back from a bucket that is long forgotten",
        properties.window_equals_recount,
        replaced(window.Window, "take_back", _takes_back_what_is_forgotten),
    ),
    Mutant(
        "results of an older generation count",
        properties.late_results_of_an_older_state_are_ignored,
        replaced(Permit, "_give_back", _older_generations_count),
    ),
    Mutant(
        "a permit counts as often as it is given back",
        properties.a_permit_counts_once,
        replaced(Permit, "_give_back", _settles_as_often_as_told),
    ),
    Mutant(
        "a cancelled probe keeps its permit",
        properties.permits_are_conserved_under_cancellation,
        replaced(Breaker, "take", _keeps_cancelled_probes),
    ),
    Mutant(
        "a cancelled call waits for ever",
        properties.permits_are_conserved_under_cancellation,
        replaced(Breaker, "take", _leaks_what_is_cancelled),
    ),
    Mutant(
        "a call that ends leaves its place taken",
        properties.permits_are_conserved_under_cancellation,
        replaced(limit.Limit, "leave", _gives_no_room_back),
    ),
    Mutant(
        "our own mistakes count against the rung",
        properties.validation_never_trips,
        replaced(Permit, "settle", _everything_counts),
    ),
    Mutant(
        "the share is a fifth or more, not more than a fifth",
        properties.a_fifth_may_fail_and_not_more,
        replaced(Breaker, "_too_many", _a_fifth_is_too_many),
    ),
    Mutant(
        "bad luck is taken for proof",
        properties.three_percent_never_open_it,
        replaced(breaker, "least_failures", lambda _: lambda calls, rate: 0),
    ),
    Mutant(
        "calls that wait are no excuse",
        properties.a_rung_that_starts_is_not_dead_because_refusals_are_quick,
        replaced(Breaker, "_earlier", lambda _: lambda self, number: 0),
    ),
    Mutant(
        "a call in flight is never slow",
        properties.a_call_in_flight_is_slow_once_past_the_limit,
        replaced(Breaker, "_sweep", lambda _: lambda self, now: None),
    ),
    Mutant(
        "the burst rule is missing",
        properties.a_burst_opens_it_and_two_failures_do_not,
        replaced(Breaker, "_dead", lambda _: lambda self, now, number: ""),
    ),
    Mutant(
        "an open breaker lets everybody through",
        properties.open_and_forced_open_admit_nobody,
        replaced(Breaker, "_open_to", _admits_while_open),
    ),
    Mutant(
        "an open breaker lets everybody through, seen from outside",
        properties.stories_keep_every_promise,
        replaced(Breaker, "_open_to", _admits_while_open),
    ),
    Mutant(
        "half open lets everybody through",
        properties.half_open_lets_a_tenth_through,
        replaced(Breaker, "_probe", lambda _: lambda self, now: True),
    ),
    Mutant(
        "a quiet rung is never probed",
        properties.a_quiet_rung_is_probed_all_the_same,
        replaced(Breaker, "_probe", _probes_by_share_alone),
    ),
    Mutant(
        "the first share's probes close it",
        properties.breaker_agrees_with_a_recount,
        replaced(Breaker, "_ramp_up", _closes_at_once),
    ),
    Mutant(
        "probes of a smaller share prove a larger one",
        properties.each_larger_share_is_earned_by_its_own_probes,
        replaced(Breaker, "_ramp_up", _ramps_on_old_probes),
    ),
    Mutant(
        "it never closes again",
        properties.stories_keep_every_promise,
        replaced(Breaker, "_ramp_up", _never_closes),
    ),
    Mutant(
        "the budget pays for everything",
        properties.retries_end_with_the_budget,
        replaced(budget.Budget, "spend", lambda _: lambda self: True),
    ),
    Mutant(
        "every failure is tried again",
        properties.a_passing_error_is_retried_once_and_others_never,
        replaced(classify, "of_error", lambda original: lambda error: original(error)._replace(again=True)),
    ),
    Mutant(
        "units that are full are given up",
        properties.units_are_used_to_the_full,
        replaced(Breaker, "_count_failure", _full_units_are_failures),
    ),
    Mutant(
        "what overflows from units is an error of Sonnet's",
        properties.units_that_overflow_move_nobody_to_haiku,
        replaced(call.Attempt, "overflowed", lambda _: False),
    ),
    Mutant(
        "every way to a model that hangs is waited for",
        properties.nobody_waits_twice_for_the_same_model,
        replaced(ladder._Turn, "pass_over", lambda _: lambda self, rung: None),
    ),
    Mutant(
        "the operator is not listened to",
        properties.an_override_counts_on_the_next_call,
        replaced(route.Router, "_tier", _listens_to_nobody),
    ),
    Mutant(
        "the operator is not listened to, seen from outside",
        properties.stories_keep_every_promise,
        replaced(route.Router, "_tier", _listens_to_nobody),
    ),
    Mutant(
        "a request may take any time",
        properties.deadlines_hold,
        replaced(call.Call, "__init__", _has_all_the_time_there_is),
    ),
    Mutant(
        "canned answers come before the models",
        properties.stories_keep_every_promise,
        replaced(guard.Guard, "admit", lambda _: lambda self, last=False: None),
    ),
    Mutant(
        "canned answers are taken at random",
        properties.stories_keep_every_promise,
        replaced(Canned, "reply", lambda _: lambda self, message: self.answers[-1].text),
    ),
    Mutant(
        "the budget pays for everything, seen from outside",
        properties.stories_keep_every_promise,
        replaced(budget.Budget, "spend", lambda _: lambda self: True),
    ),
    Mutant(
        "a model in trouble is taken for a bad message",
        properties.stories_keep_every_promise,
        replaced(classify, "of_error", lambda _: lambda error: Verdict(Outcome.BAD_REQUEST)),
    ),
    Mutant(
        "the limit knows no floor",
        properties.a_limit_falls_with_trouble_and_never_below_its_floor,
        replaced(limit.Limit, "__init__", _without_a_floor),
    ),
    Mutant(
        "two endings",
        properties.stories_keep_every_promise,
        replaced(conversation.Conversation, "answer", _sends_the_ending_twice),
    ),
    Mutant(
        "a sequence number is skipped",
        properties.stories_keep_every_promise,
        replaced(reply.Reply, "_number", _skips_a_number),
    ),
    Mutant(
        "the next model goes on where the last one broke off",
        properties.half_an_answer_is_never_mixed_with_another,
        replaced(page.Page, "withdraw", _mixes_two_models),
    ),
    Mutant(
        "the next model goes on where the last one broke off, seen from outside",
        properties.stories_keep_every_promise,
        replaced(page.Page, "withdraw", _mixes_two_models),
    ),
    Mutant(
        "the next model goes on from text that nobody checked",
        properties.half_an_answer_is_never_mixed_with_another,
        replaced(page.Page, "withdraw", _goes_on_from_anything),
    ),
    Mutant(
        "the next model goes on from text that nobody checked, seen from outside",
        properties.stories_keep_every_promise,
        replaced(page.Page, "withdraw", _goes_on_from_anything),
    ),
    Mutant(
        "another model goes on, and nobody is told",
        properties.a_checked_answer_is_gone_on_from_and_the_person_is_told,
        replaced(page.Page, "write", _goes_on_in_silence),
    ),
    Mutant(
        "another model goes on, and nobody is told, seen from outside",
        properties.stories_keep_every_promise,
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
        "silence within a stream is as good as text",
        properties.silence_in_a_stream_is_noticed_after_the_gap,
        replaced(call.Call, "_limit", _ignores_the_gap),
    ),
    Mutant(
        "the rung is blamed for the request's deadline",
        properties.deadlines_hold,
        replaced(call.Call, "_failed", _blames_the_rung_for_the_deadline),
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
        "an open rung's limit is forgotten: cancelled calls hold their place",
        properties.permits_are_conserved_under_cancellation,
        replaced(guard.Pass, "release", lambda _: lambda self: self._permit.release()),
    ),
    Mutant(
        "a stream that nobody needs goes on, seen from outside",
        properties.stories_keep_every_promise,
        replaced(call.Call, "conclude", _leaves_the_model_running),
    ),
    Mutant(
        "a request may take any time, seen from outside",
        properties.stories_keep_every_promise,
        replaced(call.Call, "__init__", _has_all_the_time_there_is),
    ),
    Mutant(
        "one more ending, numbered as it should be, seen from outside",
        properties.stories_keep_every_promise,
        replaced(conversation.Conversation, "answer", _ends_once_more),
    ),
    Mutant(
        "the ending lacks the beginning, seen from outside",
        properties.stories_keep_every_promise,
        replaced(page.Page, "text", lambda _: property(lambda self: self._chunks[-1])),
    ),
    Mutant(
        "a canned answer looks like a model's, seen from outside",
        properties.stories_keep_every_promise,
        replaced(reply.Reply, "final", _marks_nothing),
    ),
    Mutant(
        "good answers are blocked, seen from outside",
        properties.stories_keep_every_promise,
        replaced(classify, "of_end", lambda _: lambda stop, spoke: Outcome.BLOCKED),
    ),
    Mutant(
        "tools run again after a step, seen from outside",
        properties.stories_keep_every_promise,
        lambda patch: patch.setattr(call, "Ran", type("NothingIsOne", (), {})),
    ),
)
