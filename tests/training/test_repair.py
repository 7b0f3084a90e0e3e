"""A repair writes what may be trained on, says what it left out, and never touches what is there."""

import json
from typing import Any

import pytest

from tests.training.test_check import TALK, pairs, written
from training.check import check
from training.errors import DataError
from training.repair import repair

ROWS: list[Any] = [
    b"\xef\xbb\xbf" + json.dumps(pairs()[0]).encode(),
    *pairs()[1:],
    {"id": 7, **pairs(41)[40]},
    {"prompt": "my card is 4111 1111 1111 1111 please", "completion": "we will look into it soon"},
    b"{no",
    b'{"prompt": "caf\xe9", "completion": "x y z"}',
    pairs()[5],
    {"prompt": "x" * 40_000, "completion": "a b c d"},
]


def rows(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_what_can_be_mended_is_and_the_rest_is_left_out_with_its_reason(tmp_path):
    file = written(tmp_path, ROWS)
    before = file.read_bytes()
    done = repair(file, tmp_path / "good.jsonl")
    assert check(done.out).exit_code == 0
    assert file.read_bytes() == before
    assert (done.kept, done.held) == (42, 0)
    assert done.mended == {"byte order mark": 1, "fields nobody knows": 1, "personal data": 1}
    assert {row["line"]: row["why"] for row in rows(done.rejected)} == {
        43: "no JSON",
        44: "no UTF-8",
        45: "duplicate",
        46: "too long",
    }
    assert "[card]" in done.out.read_text()


def test_conversations_stay_as_they_are(tmp_path):
    file = written(tmp_path, [TALK])
    assert rows(repair(file, tmp_path / "good.jsonl").out) == [TALK]


def test_a_split_leaks_nothing_and_is_the_same_every_time(tmp_path):
    file = written(tmp_path, [*pairs(200), *pairs(50)])
    done = repair(file, tmp_path / "a.jsonl", split=0.2)
    again = repair(file, tmp_path / "b.jsonl", split=0.2)
    assert done.held_out is not None and again.held_out is not None
    assert (done.kept + done.held, done.out.read_bytes()) == (200, again.out.read_bytes())
    assert 20 <= done.held <= 60
    assert check(done.out, done.held_out).exit_code == 0


@pytest.mark.parametrize("name", ["good.jsonl", "good.rejected.jsonl", "good.held-out.jsonl"])
def test_nothing_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(DataError, match="not overwritten"):
        repair(written(tmp_path, ROWS), tmp_path / "good.jsonl", split=0.1)
    assert [file.name for file in sorted(tmp_path.glob("*good*"))] == [name]


def test_what_ends_in_the_middle_leaves_nothing_behind(tmp_path, monkeypatch):
    from training import repair as repairing

    def full(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(repairing, "_document", full)
    with pytest.raises(KeyboardInterrupt):
        repair(written(tmp_path, ROWS), tmp_path / "good.jsonl")
    assert [file.name for file in tmp_path.iterdir()] == ["data.jsonl"]


@pytest.mark.parametrize(
    ("out", "split", "said"), [("no/good.jsonl", 0.0, "cannot be written"), ("good.jsonl", 1.0, "--split 1")]
)
def test_what_cannot_be_done_is_told(tmp_path, out, split, said):
    with pytest.raises(DataError, match=said):
        repair(written(tmp_path, ROWS), tmp_path / out, split=split)


def test_the_file_itself_is_never_the_target(tmp_path):
    file = written(tmp_path, ROWS)
    with pytest.raises(DataError, match="not overwritten"):
        repair(file, file)
