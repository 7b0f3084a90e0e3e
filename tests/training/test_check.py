"""Files of training data: every fault is found, counted and named, and what is sound is let through."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import check as checking
from training import examples
from training.check import check
from training.errors import DataError
from training.examples import tokens
from training.limits import Limits, limits

WORDS = (
    "lamp",
    "desk",
    "order",
    "parcel",
    "light",
    "camera",
    "refund",
    "price",
    "colour",
    "battery",
    "week",
    "shop",
)
TALK: dict[str, Any] = {
    "schemaVersion": "bedrock-conversation-2024",
    "system": [{"text": "Be brief."}],
    "messages": [
        {"role": "user", "content": [{"text": "where is it"}]},
        {"role": "assistant", "content": [{"text": "on its way"}]},
    ],
}


def sentences(count: int, seed: int = 1) -> list[str]:
    random = Random(seed)
    return [
        f"{' '.join(random.choices(WORDS, k=14))} {chr(97 + n % 26)}{chr(97 + n // 26)}x"
        for n in range(count)
    ]


def pairs(count: int = 40) -> list[dict[str, str]]:
    return [
        {
            "prompt": text,
            "completion": f"We looked into {text} and it will be with you quite soon indeed, promised",
        }
        for text in sentences(count)
    ]


def written(folder: Path, rows: Sequence[Any], name: str = "data.jsonl") -> Path:
    file = folder / name
    lines = [row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows]
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def kinds(report: checking.Report) -> dict[str, int]:
    return {one.kind: one.count for one in report.problems.values()}


@pytest.mark.parametrize(
    "rows",
    [
        pairs(),
        [
            {**TALK, "messages": [{"role": "user", "content": [{"text": text}]}, TALK["messages"][1]]}
            for text in sentences(40)
        ],
        [{"text": text, "label": ("cart", "refund")[n % 2]} for n, text in enumerate(sentences(40))],
    ],
)
def test_every_shape_that_is_sound_may_be_trained_on(tmp_path, rows):
    report = check(written(tmp_path, rows))
    assert (kinds(report), report.exit_code, report.examples) == ({}, 0, 40)


@pytest.mark.parametrize(
    ("row", "kind", "detail"),
    [
        (b'{"prompt": "caf\xe9", "completion": "x y z"}', "no UTF-8", "byte 15"),
        (b"{prompt}", "no JSON", "Expecting"),
        (b"[1, 2]", "shape", "not an object"),
        ({"prompt": "a b c"}, "shape", "completion is missing"),
        ({"prompt": "a b c", "completion": 3}, "shape", "completion is no text"),
        ({"prompt": " ", "completion": "a b c"}, "shape", "prompt is empty"),
        ({"prompt": "a b c", "completion": "d", "id": 1}, "shape", "has 'id'"),
        ({"question": "a"}, "shape", "but question"),
        (b'{"prompt": "\\ud800 b", "completion": "x y z"}', "shape", "half a character"),
        ({**TALK, "schemaVersion": "x"}, "shape", "schemaVersion"),
        ({**TALK, "messages": TALK["messages"][1:]}, "shape", "message 1 is not the user's"),
        ({**TALK, "messages": TALK["messages"][:1]}, "shape", "does not end with"),
        (b"", "empty line", "nothing"),
        ({"prompt": "x" * 40_000, "completion": "a b c d"}, "too long", "tokens"),
        ({"prompt": "a", "completion": "b"}, "too short", "2 tokens"),
        ({"prompt": "my card is 4111 1111 1111 1111", "completion": "we will see"}, "personal data", "card"),
        ({"prompt": "hello you there", "completion": "write to jane@example.com"}, "personal data", "email"),
        (pairs()[3], "duplicate", "as line 4"),
        ({**pairs()[3], "completion": "something else entirely and long"}, "contradiction", "line 4"),
    ],
)
def test_a_fault_is_counted_once_and_named_with_its_line(tmp_path, row, kind, detail):
    report = check(written(tmp_path, [*pairs(), row]))
    assert kinds(report) == {kind: 1}
    assert report.problems[kind].lines[0][0] == 41
    assert detail in report.problems[kind].lines[0][1]


def test_a_mark_at_the_beginning_is_told(tmp_path):
    report = check(written(tmp_path, [b"\xef\xbb\xbf" + json.dumps(pairs()[0]).encode(), *pairs()[1:]]))
    assert kinds(report) == {"byte order mark": 1}


def test_a_line_that_is_too_long_takes_no_more_memory_than_others(tmp_path, monkeypatch):
    few = limits().model_copy(update={"most_characters_a_line": 2_000})
    monkeypatch.setattr(checking, "limits", lambda: few)
    report = check(written(tmp_path, [*pairs(), b"x" * 100_000, *pairs(41)[40:]]))
    assert kinds(report) == {"too long a line": 1}
    assert report.lines == 42


def test_near_duplicates_are_found_and_too_many_are_an_error(tmp_path):
    rows = [
        {"prompt": " ".join(Random(n).choices(WORDS, k=60)), "completion": f"it is {n} of them now"}
        for n in range(40)
    ]
    near = [{**rows[n], "prompt": f"{rows[n]['prompt']} please"} for n in range(2)]
    report = check(written(tmp_path, [*rows, *near[:1]]))
    assert (kinds(report), report.exit_code) == ({"near duplicate": 1}, 0)
    many = [{**row, "prompt": f"{row['prompt']} please"} for row in rows[:6]]
    assert check(written(tmp_path, [*rows, *many])).exit_code == 1


def test_few_examples_and_mixed_shapes_are_told(tmp_path):
    report = check(written(tmp_path, [*pairs(20), TALK]))
    assert kinds(report) == {"too few": 1, "mixed shapes": 1}
    assert "at least 32" in report.problems["too few"].lines[0][1]


def test_classes_out_of_balance_are_told(tmp_path):
    rows = [{"text": text, "label": "rare" if n == 0 else "usual"} for n, text in enumerate(sentences(100))]
    report = check(written(tmp_path, rows))
    assert report.labels == {"usual": 99, "rare": 1}
    assert kinds(report) == {"unbalanced": 1}
    assert report.exit_code == 0


def test_completions_of_many_words_are_no_labels(tmp_path):
    assert check(written(tmp_path, pairs())).labels is None


def test_what_is_held_out_must_not_be_in_it(tmp_path):
    rows = pairs()
    held = written(tmp_path, [rows[5], *pairs(60)[50:]], "held.jsonl")
    report = check(written(tmp_path, rows), held)
    assert kinds(report) == {"leak": 1}
    assert report.problems["leak"].lines == [(6, "line 1 of what is held out is this one")]


@pytest.mark.parametrize("name", ["", "nowhere.jsonl"])
def test_no_file_is_told(tmp_path, name):
    with pytest.raises(DataError, match=str(tmp_path)):
        check(tmp_path / name)


def test_tokens_are_counted_by_letters_and_each_of_cjk():
    assert (tokens("abcd"), tokens("abcde"), tokens("返品したい"), tokens("")) == (1, 2, 5, 0)


def test_percentiles_are_of_the_examples(tmp_path):
    report = check(written(tmp_path, pairs()))
    assert report.percentile(0.0) <= report.percentile(0.5) <= report.percentile(1.0) == max(report.tokens)
    assert report.all_tokens == sum(tokens(p["prompt"]) + tokens(p["completion"]) for p in pairs())


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(raw):
    line = examples.read(2, raw)
    assert sum((line.example is not None, bool(line.problem), line.empty)) == 1


@pytest.mark.prove
def test_a_large_file_is_read_in_little_memory(tmp_path):
    """100 MB here; the figure of 1 GB stands in docs/evaluation.md."""
    import subprocess
    import sys

    file = tmp_path / "large.jsonl"
    random = Random(3)
    with file.open("w") as out:
        number = 0
        while out.tell() < 100_000_000:
            text = " ".join(random.choices(WORDS, k=90))
            out.write(json.dumps({"prompt": f"{text} {number:x}", "completion": f"answer {text}"}) + "\n")
            number += 1
    code = (
        "import sys; from pathlib import Path; from training.check import check; check(Path(sys.argv[1]));"
        # Not what getrusage says: that remembers the program this one was forked from.
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    told = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True)
    assert int(told.stdout) * 1_024 < 200_000_000


def test_limits_are_those_of_bedrock():
    assert isinstance(limits(), Limits)
    assert (limits().fewest, limits().largest_gb) == (32, 10)
