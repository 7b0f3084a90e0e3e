# ruff: noqa: ARG005 - what replaces a method takes what it takes
"""Bugs on the way down the ladder: in what an error means, in the time a call has, in whom is asked next."""

from typing import Any

from contract.controls import Controls
from contract.outcomes import Outcome
from runtime import route
from runtime.failover import budget, call, classify, ladder
from runtime.failover.classify import Verdict
from tests.runtime import properties_ladder_helpers as properties
from tests.runtime.mutant_helpers import Mutant, replaced
from tests.runtime.properties_helpers import stories_keep_every_promise


def _listens_to_nobody(original: Any) -> Any:
    return lambda self, message, controls: original(self, message, Controls())


def _has_all_the_time_there_is(original: Any) -> Any:
    def begin(self: call.Call, rung: Any, events: Any, through: Any, _: float, *rest: Any) -> None:
        original(self, rung, events, through, float("inf"), *rest)

    return begin


def _ignores_the_gap(_: Any) -> Any:
    return lambda self: self.started + self.rung.total_s


def _blames_the_rung_for_the_deadline(original: Any) -> Any:
    def failed(self: call.Call, error: Exception, limit_: float) -> Any:
        verdict = original(self, error, limit_)
        self.ran_out = False
        return verdict

    return failed


MUTANTS = (
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
        stories_keep_every_promise,
        replaced(route.Router, "_tier", _listens_to_nobody),
    ),
    Mutant(
        "a request may take any time",
        properties.deadlines_hold,
        replaced(call.Call, "__init__", _has_all_the_time_there_is),
    ),
    Mutant(
        "the budget pays for everything, seen from outside",
        stories_keep_every_promise,
        replaced(budget.Budget, "spend", lambda _: lambda self: True),
    ),
    Mutant(
        "a model in trouble is taken for a bad message",
        stories_keep_every_promise,
        replaced(classify, "of_error", lambda _: lambda error: Verdict(Outcome.BAD_REQUEST)),
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
        "a request may take any time, seen from outside",
        stories_keep_every_promise,
        replaced(call.Call, "__init__", _has_all_the_time_there_is),
    ),
)
