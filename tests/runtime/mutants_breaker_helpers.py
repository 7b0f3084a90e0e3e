# ruff: noqa: ARG005 - what replaces a method takes what it takes
"""Bugs in what lets calls through: window, breaker, limit and guard."""

from typing import Any

from contract.outcomes import Outcome
from runtime.failover import breaker, guard, limit, window
from runtime.failover.breaker import Breaker, Permit, State
from tests.runtime import properties_breaker_helpers as properties
from tests.runtime.mutant_helpers import Mutant, replaced
from tests.runtime.properties_helpers import stories_keep_every_promise


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


def _without_a_floor(original: Any) -> Any:
    def begin(self: limit.Limit, settings: Any, most: int) -> None:
        original(self, settings, most)
        self._floor = 1

    return begin


def _gives_no_room_back(_: Any) -> Any:
    return lambda self: None


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
        stories_keep_every_promise,
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
        stories_keep_every_promise,
        replaced(Breaker, "_ramp_up", _never_closes),
    ),
    Mutant(
        "units that are full are given up",
        properties.units_are_used_to_the_full,
        replaced(Breaker, "_count_failure", _full_units_are_failures),
    ),
    Mutant(
        "canned answers come before the models",
        stories_keep_every_promise,
        replaced(guard.Guard, "admit", lambda _: lambda self, last=False: None),
    ),
    Mutant(
        "the limit knows no floor",
        properties.a_limit_falls_with_trouble_and_never_below_its_floor,
        replaced(limit.Limit, "__init__", _without_a_floor),
    ),
    Mutant(
        "an open rung's limit is forgotten: cancelled calls hold their place",
        properties.permits_are_conserved_under_cancellation,
        replaced(guard.Pass, "release", lambda _: lambda self: self._permit.release()),
    ),
)
