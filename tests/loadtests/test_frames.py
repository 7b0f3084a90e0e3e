"""Frames read fast are frames read rightly: held to the contract's own shapes, good ones and bad ones."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import frames as contract
from contract.intents import Intent
from contract.tiers import Tier
from loadtests import frames

texts = st.text(max_size=12)
numbers = st.integers(0, 2**40)
ids = {"request_id": texts, "sequence_number": numbers}
dollars = st.floats(0, 10)
GOOD = st.one_of(
    st.builds(contract.Start, **ids, session_id=texts),
    st.builds(contract.Delta, **ids, text=texts),
    st.builds(contract.Correction, **ids, text=texts, reason=texts),
    st.builds(
        contract.Final,
        **ids,
        text=texts,
        tier=st.sampled_from(Tier),
        rung=texts,
        usage=st.builds(contract.Usage, usd=dollars),
        about=st.builds(
            contract.About,
            intent=st.none() | st.sampled_from(Intent),
            cached=st.none() | st.sampled_from(["exact", "semantic"]),
        ),
    ),
    st.builds(contract.Banner, **ids, text=texts),
    st.builds(contract.Failure, **ids, code=st.sampled_from(sorted(frames.CODES)), message=texts),
)
anything = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | texts


def accepted(text: bytes) -> tuple[bool, bool]:
    """By the contract, and by the load generator."""
    found = []
    for read in (contract.decode_server, frames.decode):
        try:
            read(text)
            found.append(True)
        except contract.FrameError:
            found.append(False)
    return found[0], found[1]


@given(GOOD)
def test_every_good_frame_is_read_with_what_it_says(frame: contract.ServerFrame):
    read = frames.decode(contract.encode(frame).encode())
    told = frame.model_dump()
    assert not isinstance(read, frames.OfConnection)
    assert frames.KINDS[type(read)] == told["type"]
    _same(read, told)


CONNECTION = st.one_of(
    st.builds(contract.Resumed, session_id=texts),
    st.builds(contract.Reconnect, after_s=dollars, session_id=texts, resume_token=texts),
)


@given(CONNECTION)
def test_frames_of_a_connection_are_read_too(frame: contract.Resumed | contract.Reconnect):
    read = frames.decode(contract.encode(frame).encode())
    assert isinstance(read, frames.OfConnection)
    _same(read, frame.model_dump())


def _same(read: Any, told: dict[str, Any]) -> None:
    """Everything that is read is what was told, in the parts of a frame too."""
    for name in read.__struct_fields__:
        if isinstance(told.get(name), dict):
            _same(getattr(read, name), told[name])
        elif name in told:
            assert getattr(read, name) == told[name]


@given(GOOD, st.data())
def test_a_frame_with_a_wrong_value_is_refused_by_both_or_by_none(
    frame: contract.ServerFrame, data: st.DataObject
):
    told = json.loads(contract.encode(frame))
    read = frames.decode(json.dumps(told).encode())
    names = sorted(set(told) & {*read.__struct_fields__, "type"} - {"usage", "about"})
    told[data.draw(st.sampled_from(names))] = data.draw(anything)
    theirs, ours = accepted(json.dumps(told).encode())
    # pydantic reads 1.0, true and "1" as numbers here and there; whatever it refuses, we refuse.
    assert theirs or not ours


@given(GOOD, st.data())
def test_a_frame_without_a_required_key_is_refused_by_both(frame: contract.ServerFrame, data: st.DataObject):
    told: dict[str, Any] = json.loads(contract.encode(frame))
    shape = type(frame).model_fields
    del told[data.draw(st.sampled_from(sorted(n for n in told if n == "type" or shape[n].is_required())))]
    assert accepted(json.dumps(told).encode()) == (False, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"hello", "malformed"),
        (b'{"type": "delta", "request_id": "r", "sequence_number": 1, "text": "\xff"}', "UTF-8"),
        (b'{"type": "chunk"}', "Invalid value 'chunk'"),
        (b'{"type": "error", "request_id": "r", "sequence_number": 0, "code": "odd", "message": ""}', "odd"),
    ],
)
def test_what_is_no_frame_is_told(text: bytes, told: str):
    with pytest.raises(contract.FrameError, match=told):
        frames.decode(text)


@given(
    texts.filter(lambda text: text.strip()),
    st.none() | st.from_regex(r"[A-Za-z][A-Za-z0-9._:~-]{0,15}", fullmatch=True),
)
def test_what_is_asked_is_what_the_contract_reads(text: str, session_id: str | None):
    asked = contract.decode_client(frames.ask("r-1", text, session_id))
    assert asked == contract.Ask(request_id="r-1", text=text, session_id=session_id)


def test_an_ending_is_asked_for_as_the_contract_says():
    assert contract.decode_client(frames.resend("r-1", None)) == contract.Resend(request_id="r-1")


@given(st.none() | texts.filter(bool))
def test_a_session_is_taken_up_as_the_contract_says(token: str | None):
    asked = contract.decode_client(frames.resume("s", token))
    assert asked == contract.Resume(session_id="s", resume_token=token)
