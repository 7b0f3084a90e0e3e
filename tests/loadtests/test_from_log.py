"""A redacted log of conversations becomes a scenario that can be run."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.errors import WRONG_USE
from loadtests import arrivals, from_log, scenario
from loadtests.from_log import LogError

ZERO = datetime(2026, 7, 8, 9, tzinfo=UTC)


def line(session: str, at_s: float, text: str, intent: str, **more: Any) -> str:
    at = (ZERO + timedelta(seconds=at_s)).isoformat()
    return json.dumps({"session_id": session, "at": at, "text": text, "intent": intent, **more})


def log(folder: Path, *lines: str) -> Path:
    path = folder / "chat.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def busy(folder: Path, sessions: int = 300) -> Path:
    """Ten minutes; in the second half twice as many come. A third only looks, as guests."""
    chance, lines = random.Random(1), []
    for number in range(sessions):
        at = 300 * chance.random() if number % 3 == 0 else 300 + 300 * chance.random()
        if number % 3 == 1:
            lines.append(line(f"s{number}", at, "Any {good} one?", "recommendation", signed_in=False))
        else:
            lines.append(line(f"s{number}", at, "Where is [ORDER_1]?", "order_status", extra="passed over"))
            lines.append(line(f"s{number}", at + 20, "And <PRODUCT>?", "delivery"))
    return log(folder, *lines)


def test_a_log_becomes_its_mix_its_words_its_pauses_and_its_curve(tmp_path: Path):
    path = from_log.write("last-year", from_log.read(busy(tmp_path)), tmp_path)
    story = scenario.load(str(path))
    assert story.mix == pytest.approx({"order-status": 2 / 3, "recommendation-guest": 1 / 3}, abs=1e-3)
    assert story.messages == pytest.approx(500, rel=0.01)
    assert story.length_s == pytest.approx(620, rel=0.05)
    assert story.guests == pytest.approx(1 / 3, abs=0.01)
    order, ask = story.people["order-status"].journeys[0].turns
    assert order.say == ("Where is {order}?",)
    assert ask.say == ("And {product}?",)
    assert ask.think_s == (20.0, 20.0)
    halves = [
        sum(piece.messages for piece in story.segments if (piece.begin_s < story.length_s / 2) is early)
        for early in (True, False)
    ]
    assert halves[1] > 1.15 * halves[0]


def test_what_comes_of_it_can_be_dealt_and_said(tmp_path: Path):
    path = from_log.write("last-year", from_log.read(busy(tmp_path)), tmp_path, length_s=60)
    story = scenario.load(str(path))
    said = {a.text(story.shop, "ORD-7") for a in arrivals.schedule(story, story.people, 1)}
    assert "Where is ORD-7?" in said
    assert "Any {good} one?" in said
    assert story.length_s == pytest.approx(60)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mail me at ann@example.com", "an e-mail address"),
        ("my card is 4111 1111 1111 1111", "a card or account number"),
        ("call (212) 555-0187 please", "a telephone number"),
        ("it is 078-05-1120", "a social security number"),
    ],
)
def test_a_log_that_nobody_redacted_is_refused(tmp_path: Path, text: str, told: str):
    path = log(tmp_path, line("s", 0, "hello", "general"), line("s", 9, text, "general"))
    with pytest.raises(LogError, match=rf"chat\.jsonl:2: text holds what looks like {told}: redact") as wrong:
        from_log.read(path)
    assert wrong.value.exit_code == WRONG_USE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hello", "Invalid JSON"),
        ('{"session_id": "s"}', "at: Field required"),
        (line("s", 0, "hi", "smalltalk"), "intent: Input should be 'product_info'"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, text: str, told: str):
    with pytest.raises(LogError, match=rf"chat\.jsonl:1: .*{told}"):
        from_log.read(log(tmp_path, text))


def test_an_empty_log_and_a_wrong_name_are_told(tmp_path: Path):
    with pytest.raises(LogError, match="holds no message"):
        from_log.read(log(tmp_path, ""))
    with pytest.raises(LogError, match="small letters"):
        from_log.write("Last Year", from_log.read(busy(tmp_path)), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chat.jsonl"]
