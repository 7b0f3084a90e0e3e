"""The facts about regions are whole and fit each other."""

import re

import pytest

from components import addresses
from contract import regions

# Zone ids begin with a short form of the region's name: us-east-1 -> use1, ap-northeast-1 -> apne1.
SHORT = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "southeast": "se",
}


def prefix(name: str) -> str:
    area, side, number = name.split("-")
    return f"{area}{SHORT[side]}{number}"


@pytest.fixture(params=regions.known())
def region(request: pytest.FixtureRequest) -> regions.Region:
    return regions.region(request.param)


def test_the_regions_of_the_estate_are_described():
    assert {"us-east-1", "us-west-2", "eu-west-1"} <= set(regions.known())


def test_zones_are_ids_of_this_region(region: regions.Region):
    assert all(re.fullmatch(rf"{prefix(region.name)}-az[1-8]", zone) for zone in region.zones)
    assert sorted(set(region.zones)) == list(region.zones)


def test_a_region_has_zones_enough_for_production(region: regions.Region):
    assert len(region.zones) >= 3
    assert len(region.agentcore_zones) >= 2


def test_agentcore_zones_are_zones(region: regions.Region):
    assert set(region.agentcore_zones) <= set(region.zones)


def test_every_zone_has_addresses(region: regions.Region):
    assert addresses.allocate("10.0.0.0/16", region.zones)


def test_prefix_lists_are_there_and_the_region_s_own(region: regions.Region):
    assert set(region.prefix_lists) == {"s3", "dynamodb", "cloudfront"}
    assert all(re.fullmatch(r"pl-[0-9a-f]{8}", known) for known in region.prefix_lists.values())


def test_no_prefix_list_is_written_down_twice():
    """A file copied for a new region must not keep the old one's ids."""
    every = [known for name in regions.known() for known in regions.region(name).prefix_lists.values()]
    assert len(set(every)) == len(every)


def test_agentcore_s_narrow_zones_of_the_primary():
    """VPC mode is missing in these zones of us-east-1, so prod does not use them."""
    us_east = regions.region("us-east-1")
    assert set(us_east.zones) - set(us_east.agentcore_zones) == {"use1-az3", "use1-az5", "use1-az6"}


def test_a_region_nobody_described_is_refused_with_those_there_are():
    with pytest.raises(KeyError) as refused:
        regions.region("moon-north-1")
    assert refused.value.args == (
        f"region 'moon-north-1' is not described in regions/: known are {', '.join(regions.known())}",
    )


@pytest.mark.parametrize("name", ["", "../regions/us-east-1", "US-EAST-1", "us-east-1.toml"])
def test_only_the_very_name_is_a_region(name: str):
    with pytest.raises(KeyError):
        regions.region(name)


def test_facts_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        regions.region("us-east-1").name = "us-east-2"  # type: ignore[misc]
