"""MOD-1: models are data with a lifecycle per region, and no code names a version."""

import re
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from contract.models import Model, embedders, models, parse

ROOT = Path(__file__).parents[2]
ROW = """
[aria]
id = "acme.aria-v1:0"
provider = "Acme"
input_price = "bedrock-sonnet-input"
output_price = "bedrock-sonnet-output"
profile = {{ us-east-1 = "us.acme.aria-v1:0" }}

[aria.regions.us-east-1]
state = "{state}"
{more}
"""


def aria(state: str = "active", more: str = 'profiles = ["us.acme.aria-v1:0"]') -> Model:
    return parse(ROW.format(state=state, more=more))[0]["aria"]


def test_sonnet_haiku_and_opus_answer_and_titan_embeds():
    assert list(models()) == ["sonnet", "haiku", "opus"]
    assert {key: e.dimensions for key, e in embedders().items()} == {"titan-embed": 1024}


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_every_model_is_active_where_the_estate_stands(region: str):
    for model in (*models().values(), *embedders().values()):
        assert model.active_in(region)
        assert model.provider


def test_no_code_names_a_version_of_a_model():
    version = re.compile(r"(claude|titan-embed|nova)-[a-z0-9.-]*\d")
    rooms = (
        "contract",
        "components",
        "stacks",
        "runtime",
        "concierge",
        "plan",
        "rehearsal",
        "chaos",
        "runbooks",
    )
    named = [
        str(path.relative_to(ROOT))
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        if version.search(path.read_text(encoding="utf-8"))
    ]
    assert named == []


def test_what_is_not_active_says_when_it_ends():
    with pytest.raises(ValidationError, match="is legacy: give the announced end_of_life"):
        aria("legacy")


def test_a_default_profile_must_be_one_the_region_has():
    with pytest.raises(ValidationError, match=r"aria: regions.us-east-1 does not list the profile us.acme"):
        aria(more="on_demand = true")


def test_a_model_ends_on_its_day():
    offer = aria("legacy", 'end_of_life = 2030-06-01\nprofiles = ["us.acme.aria-v1:0"]').regions["us-east-1"]
    assert not offer.has_ended(date(2030, 5, 31))
    assert offer.has_ended(date(2030, 6, 1))


def test_for_all_regions_at_once_the_worst_counts():
    more = (
        'profiles = ["us.acme.aria-v1:0"]\n'
        '[aria.regions.eu-west-1]\nstate = "legacy"\nend_of_life = 2030-06-01\n'
        '[aria.regions.us-west-2]\nstate = "active"\nend_of_life = 2031-01-01\n'
    )
    assert (aria(more=more).state, aria(more=more).end_of_life) == ("legacy", date(2030, 6, 1))
    assert (aria().state, aria().end_of_life) == ("active", None)


def test_another_kind_of_model_is_refused():
    with pytest.raises(ValueError, match="kind paint: use chat or embed"):
        parse(ROW.format(state="active", more="").replace("id =", 'kind = "paint"\nid =', 1))
