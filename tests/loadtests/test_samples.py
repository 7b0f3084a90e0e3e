"""What became of each message, as lines of a file and as the summary of a run."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import WRONG_USE, InconclusiveError
from contract.tiers import Tier
from loadtests.frames import Final, Start
from loadtests.samples import Percentiles, Sample, SamplesError, Writer, read, summary
from loadtests.scenario import Limits
from loadtests.transcript import Transcript
from tests.loadtests.sample_helpers import FAILED, sample, samples


def test_times_are_counted_from_the_moment_the_message_was_due():
    seen = Transcript("r-0", sent_at=12.5)
    seen.take(Start(request_id="r-0", sequence_number=0, session_id="s"), 12.6)
    seen.take(Final(request_id="r-0", sequence_number=1, text="x", tier=Tier.T1, rung="haiku"), 13.0)
    found = Sample.of(seen, due=12.0, epoch=1_000.0)
    assert (found.intended_at, found.sent_at) == (1_012.0, 1_012.5)
    assert found.late_ms == pytest.approx(500)
    assert (found.first_token_ms, found.end_to_end_ms) == (1_000, 1_000)
    assert (found.tier, found.rung, found.finals, found.error) == (Tier.T1, "haiku", 1, None)


def test_a_customer_who_still_read_is_timed_from_when_they_could_ask():
    due = sample(
        intended_at=100.0,
        sent_at=102.25,
        first_token_ms=2_500,
        end_to_end_ms=4_000,
        over_ms=4_100,
        busy_ms=2_000,
    )
    found = due.since_free()
    assert (found.intended_at, found.first_token_ms, found.end_to_end_ms) == (102.0, 500, 2_000)
    assert found.late_ms == pytest.approx(250)
    assert found.over_at == pytest.approx(104.1)
    assert found.since_free() == found
    assert sample(busy_ms=300, first_token_ms=None).since_free().first_token_ms is None


def test_a_message_that_never_ended_has_no_time_to_its_end():
    seen = Transcript("r-0", sent_at=12.0)
    seen.fail("connection lost")
    found = Sample.of(seen, due=12.0, epoch=0.0)
    assert (found.error, found.first_token_ms, found.end_to_end_ms, found.tier) == (
        "connection lost",
        None,
        None,
        None,
    )


@given(samples)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, written: list[Sample]):
    path = tmp_path_factory.mktemp("run") / "below" / "samples.jsonl"
    writer = Writer(path)
    for one in written:
        writer.write(one)
    writer.close()
    assert list(read(path)) == written


def test_others_may_read_along(tmp_path: Path):
    writer = Writer(tmp_path / "samples.jsonl")
    writer.write(sample(1))
    assert len(read(tmp_path / "samples.jsonl")) == 1
    writer.close()


def test_a_line_that_is_still_being_written_is_left_out(tmp_path: Path):
    path = tmp_path / "samples.jsonl"
    path.write_text(sample(1).model_dump_json() + "\n" + sample(2).model_dump_json()[:20])
    assert [one.request_id for one in read(path)] == ["r-1"]


def test_a_broken_line_is_named(tmp_path: Path):
    path = tmp_path / "samples.jsonl"
    path.write_text(sample(1).model_dump_json() + '\n{"request_id": "r-2"}\n')
    with pytest.raises(SamplesError, match=r"samples\.jsonl:2: intended_at: Field required") as told:
        read(path)
    assert told.value.exit_code == WRONG_USE


def test_a_file_that_cannot_be_written_is_told_before_the_run(tmp_path: Path):
    (tmp_path / "occupied").write_text("")
    with pytest.raises(SamplesError, match="cannot be written"):
        Writer(tmp_path / "occupied" / "samples.jsonl")


def test_a_full_disk_is_told_once_and_closing_is_quiet():
    writer = Writer(Path("/dev/full"))
    with pytest.raises(InconclusiveError, match=r"^samples /dev/full: cannot be written any more: No space"):
        writer.write(sample())
    writer.close()


def test_a_summary_by_example():
    run = [
        *(sample(n, first_token_ms=100.0 + n, end_to_end_ms=1_000.0) for n in range(6)),
        *(sample(n, tier=Tier.T1, rung="haiku", first_token_ms=50.0, corrections=1) for n in range(2)),
        sample(8, sequence_gaps=2, finals=2, error="ended twice"),
        sample(9, first_token_ms=None, **FAILED),
    ]
    found = summary(run)
    assert (found.count, found.failed_share, found.goodput) == (10, 0.2, 0.8)
    assert {tier: times.count for tier, times in found.tiers.items()} == {Tier.T0: 7, Tier.T1: 2}
    assert found.tiers[Tier.T1].first_token_ms == Percentiles(p50=50, p95=50, p99=50)
    assert (found.sequence_gaps, found.corrections, found.ended_twice) == (2, 2, 1)
    assert found.errors == {"ended twice": 1, "connection lost": 1}
    assert found.late_ms is not None
    assert found.late_ms.p99 == pytest.approx(2)


def test_a_late_answer_is_an_answer_but_no_good_one():
    run = [sample(0), sample(1, first_token_ms=3_000.0), sample(2, end_to_end_ms=9_000.0)]
    assert summary(run).failed_share == 0
    assert summary(run).goodput == pytest.approx(1 / 3)
    assert summary(run, Limits(first_token_ms=4_000, end_to_end_ms=10_000)).goodput == 1


def test_the_summary_of_nothing():
    found = summary([])
    assert (found.count, found.failed_share, found.goodput, found.tiers) == (0, 0, 0, {})
    assert found.answered.first_token_ms is None


@given(samples, st.randoms())
def test_a_summary_does_not_depend_on_the_order(run: list[Sample], chance):
    mixed = list(run)
    chance.shuffle(mixed)
    assert summary(mixed) == summary(run)


@given(samples)
def test_every_message_is_in_the_denominator(run: list[Sample]):
    found = summary(run)
    answered = sum(times.count for times in found.tiers.values())
    assert answered == found.answered.count == found.count - sum(found.errors.values())
    assert 0 <= found.goodput <= 1 - found.failed_share + 1e-9


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_are_values_that_were_measured(values: list[float]):
    found = Percentiles.of(values)
    assert found is not None
    assert min(values) <= found.p50 <= found.p95 <= found.p99 <= max(values)
    assert {found.p50, found.p95, found.p99} <= set(values)


def test_percentiles_of_a_hundred():
    assert Percentiles.of(range(1, 101)) == Percentiles(p50=50, p95=95, p99=99)
