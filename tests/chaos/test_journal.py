"""What was done to whom, and when: appended, and readable again."""

import threading
from pathlib import Path

from chaos.journal import Event, Journal
from tests.chaos.control_api_helpers import START


def event(text: str) -> Event:
    return Event(at=START, experiment="sonnet-throttled", what="started", text=text)


def test_an_event_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path).write(event("one"))
    Journal(path).write(event("two\nlines"))
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    assert [e.text for e in Journal(path).read()] == ["one", "two\nlines"]


def test_a_journal_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert Journal(tmp_path / "journal.jsonl").read() == ()


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    threads = [threading.Thread(target=journal.write, args=(event("x" * 9_000),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.read()) == 16
