"""Rungs that exist for a while (MOD-3): each a document of its own, in force until it expires."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from contract import rungs

NOW = datetime(2027, 7, 13, 12, 0, tzinfo=UTC)
RUNG = rungs.ExtraRung(
    name="prime-day",
    model="sonnet",
    arn="arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc",
    units=4,
    who="event-capacity",
    why="Prime Day",
    expires_at=NOW + timedelta(hours=1),
)


def test_what_is_written_is_read():
    assert rungs.parse(rungs.render(RUNG)) == RUNG


def test_a_rung_counts_until_it_expires():
    documents = {"/concierge/shop/rungs/prime-day": rungs.render(RUNG)}
    assert rungs.in_force(documents, NOW) == ((RUNG,), ())
    assert rungs.in_force(documents, RUNG.expires_at) == ((), ())


def test_a_broken_document_spoils_no_other():
    found = rungs.in_force({"a": "off", "b": rungs.render(RUNG)}, NOW)
    assert found.rungs == (RUNG,)
    (problem,) = found.problems
    assert problem.startswith("a: rung: document: ")


@pytest.mark.parametrize("key", ["name", "model", "arn", "units", "who", "why", "expires_at"])
def test_nothing_may_be_left_out(key: str):
    said = json.loads(rungs.render(RUNG))
    del said[key]
    with pytest.raises(rungs.RungError, match=f"rung: {key}: Field required"):
        rungs.parse(json.dumps(said))


@pytest.mark.parametrize(
    ("key", "value"),
    [("units", 0), ("units", "4"), ("arn", "prime-day"), ("who", ""), ("expires_at", "2027-07-13T12:00:00")],
)
def test_what_cannot_be_used_is_refused(key: str, value: object):
    said = {**json.loads(rungs.render(RUNG)), key: value}
    with pytest.raises(rungs.RungError, match=f"rung: {key}: "):
        rungs.parse(json.dumps(said))


def test_all_rungs_of_an_environment_are_in_one_folder():
    assert rungs.folder("shop") == "/concierge/shop/rungs"
