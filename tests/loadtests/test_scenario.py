"""A scenario is a TOML file; whatever is wrong with it is one line with the file, the key and the fix."""

from pathlib import Path

import pytest

from contract.errors import WRONG_USE
from contract.runtime_settings import RoutingSettings
from loadtests import arrivals, personas, scenario
from loadtests.documents import DocumentError
from tools import load_data

GOOD = """
name = "small"
users = 5
mix = { browse = 1.0 }
gates = { failed = "rate < 1%" }
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
            ("browse = 1.0", "browse = 0.9"),
            "small.toml: mix: shares make 0.9: they must make 1",
        ),
        (("browse", "brows"), "small.toml: mix.brows: there is no such persona: browse, compare"),
        (
            ("users = 5", "users = 5\nchannels = { fax = 1.0 }"),
            "small.toml: channels.fax: there is no such way in",
        ),
        (("rate < 1%", "rate < 1"), "small.toml: gates: 'failed' = 'rate < 1': the number needs %"),
        (
            ("[[stages]]", "[day]\nfor_s = 1\npeak = 1\nhours = []\n[[stages]]"),
            "small.toml: day: hours: must be 24",
        ),
        (
            ("[[stages]]", '[switches.off]\ntitle = "t"\nsettings = {}\nbreaks = "x"\n[[stages]]'),
            "small.toml: switches.off.breaks: 'x' is none of the gates",
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
    with pytest.raises(
        DocumentError, match="'prim-day': there is no such file; name one of bedrock-throttled, "
    ):
        scenario.load("prim-day")


def test_so_many_times_the_rate_has_the_people_for_it():
    day, busy = scenario.load("prime-day"), scenario.load("prime-day").at_rate(3)
    assert (busy.length_s, busy.users) == (day.length_s, 3 * day.users)
    assert busy.messages == pytest.approx(3 * day.messages)
    assert busy.peak == pytest.approx(3 * day.peak)


def test_there_are_people_enough_for_the_conversations_of_the_peak():
    for name in scenario.known():
        story = scenario.load(name)
        assert story.users >= story.open_conversations, name


def test_files_that_a_scenario_names_lie_beside_it(written):
    written(
        '[shopper]\ntitle = "t"\nguests = 1\n'
        '[[shopper.journeys]]\nturns = [{ intent = "cart", say = ["hi"] }]',
        "us.toml",
    )
    text = GOOD.replace("browse", "shopper").replace("users = 5", 'users = 5\npersonas = "us.toml"')
    assert scenario.load(str(written(text))).guests == 1


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (
            '{ intent = "cart", say = ["add {prodct}"] }',
            "{prodct} in 'add {prodct}': there are only {product}",
        ),
        ('{ intent = "cart", say = ["hi"], think_s = [9, 1] }', "think_s [9, 1] must go up"),
        ('{ intent = "where is {order}", say = ["hi"] }', "input should be 'product_info'"),
        ('{ intent = "cart", say = ["where is {order}"] }', "guests have no {order}"),
    ],
)
def test_people_who_cannot_be_are_told(written, turn: str, told: str):
    people = f'[shopper]\ntitle = "t"\nguests = 1\n[[shopper.journeys]]\nturns = [{turn}]'
    with pytest.raises(DocumentError) as wrong:
        personas.personas(written(people, "us.toml"))
    assert told in str(wrong.value)


def test_what_people_talk_about_is_what_the_shop_has():
    assert load_data.FILE.read_text(encoding="utf-8") == load_data.text(), "python -m tools.load_data"


def test_a_good_part_of_what_is_said_is_short_as_the_router_expects():
    story = scenario.load("prime-day")
    said = [a.text(story.shop, "ORD-20001") for a in arrivals.schedule(story, story.people, 1)]
    short = sum(len(text.split()) <= RoutingSettings().simple_words for text in said) / len(said)
    assert 0.5 < short < 0.75
