"""A journal survives whoever was killed while writing it, and says plainly when it is damaged."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbooks.engine import Entry, Journal, JournalError


def entry(text: str) -> Entry:
    return Entry(
        run="r1",
        runbook="cost-spike",
        environment="dev",
        region="us-east-1",
        who="amira",
        why="drill",
        at=datetime(2031, 3, 4, 10, 0, tzinfo=UTC),
        what="found",
        text=text,
    )


def texts(journal: Journal) -> list[str]:
    return [found.text for found in journal.read()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def torn(path: Path) -> Path:
    """A journal whose last writer was killed within a character of its second line."""
    journal = Journal(path)
    journal.write(entry("first"))
    journal.write(entry("café"))
    path.write_bytes(path.read_bytes().partition("é".encode())[0] + "é".encode()[:1])
    return path


def test_a_torn_last_line_is_left_out(torn: Path) -> None:
    assert texts(Journal(torn)) == ["first"]


def test_a_line_without_its_end_is_torn_even_when_it_reads_well(path: Path) -> None:
    Journal(path).write(entry("first"))
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    assert texts(Journal(path)) == []


def test_what_comes_after_a_torn_line_begins_its_own(torn: Path) -> None:
    before = torn.read_bytes()
    journal = Journal(torn)
    journal.write(entry("second"))
    journal.write(entry("third"))
    assert texts(journal) == ["first", "second", "third"]
    assert torn.read_bytes().startswith(before)  # appended, never changed


def test_no_text_can_break_a_line(path: Path) -> None:
    journal = Journal(path)
    told = "a\u2028b\u0085c\nd\re"
    journal.write(entry(told))
    assert texts(journal) == [told]


@pytest.mark.parametrize("damage", [b"{", b"", b'{"what": "prayed"}', b"\xff\xfe", b'{"run": "caf\xc3"}'])
def test_a_damaged_line_in_the_middle_is_named_in_one_line(path: Path, damage: bytes) -> None:
    journal = Journal(path)
    journal.write(entry("first"))
    path.write_bytes(path.read_bytes() + damage + b"\n")
    journal.write(entry("third"))
    with pytest.raises(JournalError) as told:
        journal.read()
    assert str(told.value).startswith(f"journal {path}:2: damaged: ")
    assert len(str(told.value).splitlines()) == 1
