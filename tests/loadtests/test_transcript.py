"""What one client makes of the frames of one answer (RUN-2)."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.frames import Banner, Correction, Delta, Failure, Final, ServerFrame, Start, encode
from contract.tiers import Tier
from loadtests.frames import OfConnection, decode
from loadtests.transcript import Transcript

ID = "r-1"
MIDDLE = st.sampled_from(["delta", "correction", "banner"])


def frames(*middle: str) -> list[ServerFrame]:
    """A whole answer with these kinds of frames between start and final."""
    makers: dict[str, Callable[[int], ServerFrame]] = {
        "delta": lambda number: Delta(request_id=ID, sequence_number=number, text="word "),
        "correction": lambda number: Correction(request_id=ID, sequence_number=number, text="", reason="cut"),
        "banner": lambda number: Banner(request_id=ID, sequence_number=number, text="busy"),
    }
    inner = [makers[kind](number) for number, kind in enumerate(middle, 1)]
    end = len(middle) + 1
    return [
        Start(request_id=ID, sequence_number=0, session_id="s"),
        *inner,
        Final(request_id=ID, sequence_number=end, text="word", tier=Tier.T1, rung="haiku"),
    ]


def seen(sent: list[ServerFrame]) -> Transcript:
    """Frame n comes at second n + 1."""
    transcript = Transcript(ID, sent_at=0.0)
    for at, frame in enumerate(sent, 1):
        read = decode(encode(frame).encode())
        assert not isinstance(read, OfConnection)
        transcript.take(read, float(at))
    return transcript


@given(st.lists(MIDDLE, max_size=8))
def test_any_answer_that_keeps_the_protocol_has_no_problem(middle: list[str]):
    found = seen(frames(*middle))
    assert (found.problem, found.sequence_gaps, found.finals) == (None, 0, 1)
    assert (found.tier, found.rung, found.ended_at) == (Tier.T1, "haiku", len(middle) + 2)
    assert found.corrections == middle.count("correction")


@given(st.lists(MIDDLE, min_size=1, max_size=8), st.data())
def test_a_lost_frame_is_one_gap(middle: list[str], data: st.DataObject):
    sent = frames(*middle)
    del sent[data.draw(st.integers(0, len(sent) - 2))]
    assert seen(sent).sequence_gaps == 1


@given(st.lists(MIDDLE, max_size=8), st.data())
def test_a_frame_that_came_twice_is_noticed(middle: list[str], data: st.DataObject):
    sent = frames(*middle)
    twice = data.draw(st.integers(0, len(sent) - 1))
    assert seen([*sent[: twice + 1], *sent[twice:]]).sequence_gaps >= 1


def test_the_first_token_is_the_first_text_a_person_sees():
    assert seen(frames("banner", "correction", "delta", "delta")).first_token_at == 4


def test_an_answer_may_come_whole():
    assert seen(frames()).first_token_at == 2


def test_an_answer_that_ended_twice_failed():
    again = Final(request_id=ID, sequence_number=2, text="no", tier=Tier.T2, rung="canned")
    found = seen([*frames(), again])
    assert (found.problem, found.finals) == ("ended twice", 2)
    assert (found.tier, found.ended_at) == (Tier.T1, 2), "what came first stands"


def test_nothing_comes_after_the_end():
    found = seen([*frames(), Delta(request_id=ID, sequence_number=2, text="and")])
    assert found.problem == "a delta frame after the end"


def test_an_error_ends_it_with_its_reason():
    busy = Failure(request_id=ID, sequence_number=0, code="too_many_requests", message="slow down")
    found = seen([busy])
    assert (found.ended, found.problem, found.finals) == (True, "too_many_requests: slow down", 0)
    assert found.sequence_gaps == 0, "what was never accepted needs no start"


def test_an_answer_begins_with_start():
    found = seen([Delta(request_id=ID, sequence_number=0, text="word")])
    assert found.problem == "a delta frame as number 0"


@pytest.mark.parametrize(
    ("stray", "problem"),
    [
        (Banner(request_id="other", sequence_number=0, text="busy"), None),
        (Delta(request_id="other", sequence_number=7, text="late"), "a delta frame of another request"),
    ],
)
def test_frames_of_another_request_change_nothing_but_are_told(stray: ServerFrame, problem: str | None):
    start, *rest = frames("delta")
    found = seen([start, stray, *rest])
    assert (found.problem, found.sequence_gaps, found.finals) == (problem, 0, 1)


def test_silences_between_two_pieces_of_text_are_measured():
    transcript = Transcript(ID, sent_at=0.0, stall_s=1.0)
    answer = frames("delta", "delta", "delta", "delta")
    for frame, at in zip(answer, (0.0, 0.5, 0.6, 2.0, 2.1, 2.2), strict=True):
        read = decode(encode(frame).encode())
        assert not isinstance(read, OfConnection)
        transcript.take(read, at)
    assert (round(transcript.longest_gap_s, 3), transcript.stalls) == (1.4, 1)
