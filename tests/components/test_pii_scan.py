"""The second scan for personal data, as plain Python (DATA-6, RUN-13). No number here belongs to anybody."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.functions.pii_scan import handler


def scanned(*events: Any) -> list[Any]:
    return [json.loads(line) for line in lines(*events)]


def lines(*events: Any) -> list[str]:
    answer = handler({"records": [record(str(n), json.dumps(e)) for n, e in enumerate(events)]}, None)
    assert [r["result"] for r in answer["records"]] == ["Ok"] * len(events)
    assert [r["recordId"] for r in answer["records"]] == [str(n) for n in range(len(events))]
    return [base64.b64decode(r["data"]).decode() for r in answer["records"]]


def record(number: str, text: str) -> dict[str, str]:
    return {"recordId": number, "data": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("write to ann.bee+shop@mail.example.co.uk please", "write to [email] please"),
        ("card 4242 4242 4242 4242, thanks", "card [card], thanks"),
        ("card 378282246310005", "card [card]"),
        ("pay from DE89 3704 0044 0532 0130 00 today", "pay from [iban] today"),
        ("my ssn is 219-09-9999.", "my ssn is [ssn]."),
        ("call +1 (415) 555-0134", "call [phone]"),
        ("call (415) 555-0134 or 415-555-0134", "call [phone] or [phone]"),
        ("電話は03-1234-5678です", "電話は[phone]です"),
        ("a@b.example and 4242424242424242", "[email] and [card]"),
    ],
)
def test_personal_data_in_a_text_is_replaced_by_its_kind(text: str, left: str):
    assert scanned({"message": text}) == [{"message": left}]


@pytest.mark.parametrize(
    "text",
    [
        "order 1234 5678 9012 3456 is on its way",  # the check digit is wrong: no card
        "B00EXAMPLE1 costs $1,299.00 instead of $1,499.00",
        "delivered on 2026-11-27 at 14:30:05",
        "delivered on 01-02-2026",
        "0000 0000 0000 0000",
        "ask @concierge",
        "model 4.5, tokens 1024, request 7f1c9e0a-5b1d-4f7e-9c3a-0123456789ab",
    ],
)
def test_what_only_looks_like_personal_data_stays(text: str):
    assert scanned({"message": text}) == [{"message": text}]


@pytest.mark.parametrize("name", ["email", "Phone_Number", "first-name", "postalAddress", "cvv"])
def test_a_field_that_is_personal_by_name_goes_whatever_it_says(name: str):
    assert scanned({"user": {name: "anything at all"}}) == [{"user": {name: "[field]"}}]


def test_an_empty_field_stays_empty():
    assert scanned({"email": None, "phone": ""}) == [{"email": None, "phone": ""}]


def test_the_scan_goes_as_deep_as_the_event_and_into_its_keys():
    event = {"turns": [{"text": "a@b.example"}, ["4242424242424242"]], "c@d.example": 1, "paid": True}
    assert scanned(event) == [{"turns": [{"text": "[email]"}, ["[card]"]], "[email]": 1, "paid": True}]


def test_a_card_written_as_a_number_is_found():
    assert scanned({"n": 4242424242424242, "items": 3}) == [{"n": "[card]", "items": 3}]


def test_each_event_comes_back_as_one_line():
    first, second = lines({"text": "two\nlines"}, {"text": "よい"})
    assert first == '{"text":"two\\nlines"}\n'
    assert second == '{"text":"よい"}\n'


@pytest.mark.parametrize(
    "data",
    [
        base64.b64encode(b"not json, a@b.example").decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 100_000).decode(),
        "not base64!",
    ],
)
def test_what_cannot_be_scanned_is_never_handed_on_as_scanned(data: str):
    """It comes back as it was, for the error prefix, and does not stop the others."""
    answer = handler({"records": [{"recordId": "bad", "data": data}, record("good", '{"a":1}')]}, None)
    assert answer["records"][0] == {"recordId": "bad", "result": "ProcessingFailed", "data": data}
    assert answer["records"][1]["result"] == "Ok"


def test_the_log_says_how_many_and_never_what(capsys: pytest.CaptureFixture[str]):
    scanned({"message": "a@b.example, 4242424242424242", "email": "c@d.example"})
    assert json.loads(capsys.readouterr().out) == {
        "scanned": 1,
        "failed": 0,
        "found": {"email": 1, "card": 1, "field": 1},
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_any_event_is_answered_and_scanning_twice_changes_nothing(event: Any):
    once = scanned(event)
    assert scanned(*once) == once


@given(st.text(alphabet="ab@.+-0 4", max_size=200))
def test_an_address_that_was_put_in_is_never_there_afterwards(around: str):
    (left,) = scanned({"message": f"{around} jane.doe@mail.example {around}"})
    assert "jane.doe@mail.example" not in left["message"]
