"""Figures that add up: of all workers together they are those of one process that did it all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.tiers import Tier
from loadtests.samples import Sample
from loadtests.scenario import Limits
from loadtests.tally import NOBODY, SLOWEST, Tally
from tests.loadtests.sample_helpers import FAILED, sample, samples

LIMITS = Limits()


def tally(found: list[Sample]) -> Tally:
    return Tally.of(found, LIMITS, bin_s=1.0)


def same(left: Tally, right: Tally) -> bool:
    return _plain(left) == _plain(right)


def _plain(one: Tally) -> object:
    data = one.as_data()
    data["cells"] = sorted(data["cells"], key=lambda cell: [str(part) for part in cell[:-1]])
    return json.loads(json.dumps(data, sort_keys=True))


@given(samples, st.lists(st.integers(0, 2), min_size=40, max_size=40))
def test_the_tallies_of_any_workers_are_that_of_one(found: list[Sample], who: list[int]):
    together = Tally(LIMITS, 1.0)
    for part in range(3):
        together.merge(tally([s for s, w in zip(found, who, strict=False) if w == part]))
    assert same(together, tally(found))


@given(samples, st.integers(0, 40))
def test_what_is_sent_bit_by_bit_arrives_whole(found: list[Sample], cut: int):
    worker, master = Tally(LIMITS, 1.0), Tally(LIMITS, 1.0)
    for part in (found[:cut], found[cut:]):
        for one in part:
            worker.add(one)
        master.merge(Tally.from_data(json.loads(json.dumps(worker.drain()))))
    assert same(master, tally(found))


@given(samples)
def test_every_message_is_in_exactly_one_cell(found: list[Sample]):
    made = tally(found)
    for dimension in ("tier", "intent", "persona", "stage", "bin"):
        assert sum(cell.messages for cell in made.by(dimension).values()) == len(found)
    assert made.select().failed == sum(made.errors.values())


def test_a_selection_is_what_it_says():
    made = tally([sample(1), sample(2, tier=Tier.T1, stage="ramp"), sample(3, **FAILED)])
    assert made.select({"tier": "T1"}).messages == 1
    assert made.select({"tier": "T1", "stage": "plateau"}).messages == 0
    assert made.select({"tier": NOBODY}).failed == 1


def test_answers_are_counted_when_they_end_and_messages_when_they_were_due():
    made = tally([sample(1, at_s=1.9, end_to_end_ms=1_500.0)])
    assert list(made.by("bin")) == [1]
    assert dict(made.done) == {3: 1}


def test_the_slowest_are_kept_with_their_ids():
    made = tally([sample(n, end_to_end_ms=float(n)) for n in range(100)])
    assert len(made.slowest) == SLOWEST
    assert [slow.request_id for slow in made.slowest[:2]] == ["r-99", "r-98"]


def conversation(number: int, *turns: dict[str, object]) -> list[Sample]:
    return [
        sample(turn, conversation=number, last=turn == len(turns) - 1, **fields)
        for turn, fields in enumerate(turns)
    ]


def test_a_conversation_is_resolved_when_all_of_it_was_answered_by_a_model():
    made = tally(
        [
            *conversation(1, {"usd": 0.01}, {"usd": 0.01}),
            *conversation(2, {"usd": 0.01}, FAILED),
            *conversation(3, {"tier": Tier.T2}, {}),
            *conversation(4, {}, {})[:1],  # not over
        ]
    )
    assert (made.conversations, made.resolved) == (3, 1)
    assert made.cost_per_resolved == pytest.approx(0.03)


def test_there_are_not_endlessly_many_kinds_of_error():
    made = tally([sample(n, **(FAILED | {"error": f"odd {n}"})) for n in range(500)])
    assert len(made.errors) <= 61
    assert made.errors.total() == 500
