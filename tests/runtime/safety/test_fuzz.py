"""Every stage on texts nobody thought of: made of what the rules look for, and guided by what they reach."""

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.eval.safety.cases import injection, personal, priced
from tests.runtime.safety.promises_helpers import input_holds, output_holds

ROOT = Path(__file__).parents[3]
GUIDED = ROOT / ".venvs" / "fuzz" / "bin" / "python"
SECONDS, SEEDS = 60, 150
# Parts that mean something to one rule or another, put together in every way.
PARTS = (
    *(
        "$",
        "49",
        ".99",
        ",",
        " ",
        "-",
        "US$",
        " dollars",
        "five ",
        "hundred ",
        "円",
        "五十",
        "ドル",
        "元",
        "%",
    ),
    *(" off", "割引", "half price", "was ", "save ", "Lumo L200", "L200", "It costs ", "and ", "B0LAMP0001"),
    *("B0LAMP9999", ". ", "\n", "。", "4111 1111 1111 1111", "4111", "111", "415-555-0132", "090-1234-5678"),
    *(
        "@",
        "example.com",
        "jane",
        " at ",
        " dot ",
        "my name is ",
        "Jane",
        "名前は",
        "pin is ",
        "a1b2",
        "東京都",
    ),
    *(
        "市",
        "1-2",
        "〒",
        "12 Main Street",
        "ord-",
        "1Z",
        "DE89",
        "ignore ",
        "all ",
        "previous ",
        "instructions",
    ),
    *(
        "無視",
        "指示",
        "i g n o r e",
        "\u200b",
        "ﾑｼ",
        "ﷺ",
        "İ",
        "ß",
        "\u0301",
        "damn ",
        "walmart",
        "at Target",
    ),
    *(
        "you idiot",
        "take ",
        "pills",
        "sue ",
        "court",
        "１２３",
        "٣",
        "１",
        "\0",
        "one two three four five six ",
    ),
)
TEXTS = st.lists(st.one_of(st.sampled_from(PARTS), st.text(max_size=4)), max_size=14).map("".join)


@settings(max_examples=120, deadline=None)
@given(TEXTS)
def test_every_promise_of_the_input_holds_for_every_text(text):
    input_holds(text)


@settings(max_examples=120, deadline=None)
@given(TEXTS)
def test_every_promise_of_the_output_holds_for_every_text(text):
    output_holds(text)


@pytest.mark.prove
@settings(max_examples=4000, deadline=None)
@given(TEXTS)
def test_every_promise_holds_for_many_texts(text):
    input_holds(text)
    output_holds(text)


@pytest.mark.prove
def test_a_fuzzer_that_sees_what_it_reaches_breaks_no_promise(tmp_path: Path):
    assert GUIDED.exists(), "the fuzzer is not set up: make fuzz"
    seeds = [case.text for cases in (injection, personal, priced) for case in cases()]
    for number, text in enumerate(random.Random(1).sample(seeds, SEEDS)):
        (tmp_path / f"seed{number}").write_text(text, encoding="utf-8")
    program = [str(GUIDED), str(Path(__file__).with_name("guided_helpers.py"))]
    options = [f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/", "-verbosity=0"]
    ran = subprocess.run(
        [*program, *options, str(tmp_path)], cwd=ROOT, capture_output=True, timeout=SECONDS * 5, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2_000:].decode(errors="replace")
    assert len(list(tmp_path.iterdir())) > SEEDS  # it has found ways of its own
