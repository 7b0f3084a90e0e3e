"""A scenario is a TOML file; whatever is wrong with it is one line with the file, the key and the fix."""

from pathlib import Path

import pytest

from contract.errors import WRONG_USE
from loadtests import scenario
from loadtests.documents import DocumentError

GOOD = """
name = "small"
users = 5
[[stages]]
for_s = 10
rate = 2
"""


@pytest.fixture
def written(tmp_path: Path):
    """Writes a document, and gives its path."""

    def write(text: str, name: str = "small.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_prime_day_is_about_85_seconds_at_about_15_messages_a_second():
    day = scenario.load("prime-day")
    assert day.length_s == 85
    assert day.messages / day.length_s == pytest.approx(15, rel=0.1)
    assert [stage.name for stage in day.stages] == ["ramp", "plateau", "flash sale", "after the sale"]
    assert day.mix.simple == 0.6


def test_every_scenario_of_the_folder_can_be_loaded():
    assert [scenario.load(name).name for name in scenario.known()] == list(scenario.known())


def test_a_scenario_can_be_named_by_its_file(written):
    assert scenario.load(str(written(GOOD))).messages == 20


def test_another_length_keeps_the_rates():
    day = scenario.load("prime-day")
    short = day.lasting(17)
    assert short.length_s == pytest.approx(17)
    assert [stage.rate for stage in short.stages] == [stage.rate for stage in day.stages]
    assert short.messages == pytest.approx(day.messages / 5)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_length_is_above_zero(seconds: float):
    with pytest.raises(DocumentError, match="above 0"):
        scenario.load("prime-day").lasting(seconds)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            ("rate = 2", "rate = -2"),
            "small.toml: stages[0].rate = -2: input should be greater than or equal to 0",
        ),
        (("rate = 2", "rat = 2"), "small.toml: stages[0].rat = 2: unknown key; did you mean 'rate'?"),
        (("users = 5", "user = 5"), "small.toml: user = 5: unknown key; did you mean 'users'?"),
        (("for_s = 10", ""), "small.toml: stages[0].for_s: is required: how long it lasts, in seconds"),
        (
            ("users = 5", "users = 5\nmix = { simple = 0.9 }"),
            "small.toml: mix: shares make 1.3: they must make 1",
        ),
        (("rate = 2", "rate = 0"), "small.toml: stages: send no message at all: give one of them a rate"),
        (("[[stages]]", "[[stages"), "small.toml: is no TOML:"),
    ],
)
def test_a_fault_names_file_key_and_fix(written, change: tuple[str, str], line: str):
    with pytest.raises(DocumentError) as told:
        scenario.load(str(written(GOOD.replace(*change))))
    assert any(found.startswith(line) for found in str(told.value).splitlines())
    assert told.value.exit_code == WRONG_USE


def test_every_fault_is_told_at_once(written):
    with pytest.raises(DocumentError) as told:
        scenario.load(str(written(GOOD.replace("users = 5", "users = 0").replace("rate = 2", "rate = 'x'"))))
    assert len(str(told.value).splitlines()) == 2


def test_a_name_without_a_file_lists_those_that_there_are():
    with pytest.raises(DocumentError, match="'prim-day': there is no such file; name one of prime-day"):
        scenario.load("prim-day")


def test_prompts_of_each_kind_are_as_long_as_the_router_expects():
    prompts = scenario.prompts()
    assert max(len(text.split()) for text in prompts.of("simple")) <= 8
    assert min(len(text.split()) for text in prompts.of("complex")) > 8


@pytest.mark.parametrize(
    ("document", "fix"),
    [
        ('simple = ["one two three four five six seven eight nine"]', "shorten it, or call it complex"),
        ('simple = ["hello"]\ncomplex = ["hello"]', "lengthen it, or call it simple"),
        ("simple = []\ncomplex = []", "simple: is empty: write at least one text"),
        ('simple = ["hello"]', "complex: is required: longer ones"),
    ],
)
def test_a_prompt_of_the_wrong_kind_is_refused(written, document: str, fix: str):
    with pytest.raises(DocumentError, match=fix):
        scenario.prompts(written(document))
