"""Addresses never move: growing a VPC by a zone or a tier leaves every subnet where it was (NET-1)."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import addresses
from components.addresses import TIERS, Tier, allocate

VPC = IPv4Network("10.0.0.0/16")


def _free_for(tiers: list[Tier]) -> list[tuple[int, int]]:
    """(first slot, slots) of every aligned place no tier owns yet."""
    taken = {slot for tier in tiers for slot in range(tier.first_slot, tier.last_slot + 1)}
    return [
        (first, slots)
        for slots in (1, 2, 4, 8)
        for first in range(0, addresses.TIER_SLOTS, slots)
        if not taken & set(range(first, first + slots))
    ]


@st.composite
def growths(draw: st.DrawFn) -> list[tuple[list[str], list[Tier]]]:
    """A VPC's life: at each step one more zone, in any order, or one more tier on slots that are free."""
    zones = draw(st.permutations([f"use1-az{number}" for number in range(1, 9)]))
    stages: list[tuple[list[str], list[Tier]]] = [([zones[0]], [*draw(st.sampled_from([TIERS, ()]))])]
    for step in range(draw(st.integers(1, 12))):
        used, tiers = stages[-1]
        free = _free_for(tiers)
        if draw(st.booleans()) and free:
            first, slots = draw(st.sampled_from(free))
            stages.append((used, [*tiers, Tier(f"tier{step}", first, slots)]))
        elif len(used) < len(zones):
            stages.append(([*used, zones[len(used)]], tiers))
    return stages


@st.composite
def blocks(draw: st.DrawFn) -> IPv4Network:
    """Any block a VPC may have."""
    length = draw(st.integers(16, 20))
    start = int(IPv4Network("10.0.0.0/8").network_address)
    return IPv4Network((start + draw(st.integers(0, 2 ** (length - 8) - 1)) * 2 ** (32 - length), length))


def flat(vpc: IPv4Network, zones: list[str], tiers: list[Tier]) -> dict[tuple[str, str], IPv4Network]:
    by_tier = allocate(str(vpc), zones, tiers)
    return {(tier, zone): IPv4Network(block) for tier, row in by_tier.items() for zone, block in row.items()}


@given(blocks(), growths())
@settings(deadline=None, derandomize=True)
def test_growth_never_moves_a_subnet(vpc: IPv4Network, stages: list[tuple[list[str], list[Tier]]]):
    before: dict[tuple[str, str], IPv4Network] = {}
    for zones, tiers in stages:
        now = flat(vpc, zones, tiers)
        assert len(now) == len(zones) * len(tiers)
        assert {key: now[key] for key in before} == before
        before = now


@given(blocks(), growths())
@settings(deadline=None, derandomize=True)
def test_subnets_lie_apart_and_inside_the_vpc(vpc: IPv4Network, stages: list[tuple[list[str], list[Tier]]]):
    subnets = flat(vpc, *stages[-1]).values()
    assert all(subnet.subnet_of(vpc) for subnet in subnets)
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))


@given(growths(), st.randoms(use_true_random=False))
@settings(deadline=None, derandomize=True)
def test_the_order_of_zones_and_tiers_does_not_matter(stages: list[tuple[list[str], list[Tier]]], chance):
    zones, tiers = stages[-1]
    shuffled = chance.sample(zones, len(zones)), chance.sample(tiers, len(tiers))
    assert flat(VPC, zones, tiers) == flat(VPC, *shuffled)


@given(growths())
@settings(deadline=None, derandomize=True)
def test_a_zone_s_addresses_are_its_own(stages: list[tuple[list[str], list[Tier]]]):
    """The eighth of a zone follows from its number, so that an outage reads off an address."""
    for (_, zone), subnet in flat(VPC, *stages[-1]).items():
        assert subnet.network_address.packed[1] == 0
        assert subnet.network_address.packed[2] // 32 == int(zone[-1]) - 1


def test_the_usual_vpc_looks_like_this():
    assert allocate("10.0.0.0/16", ["use1-az1", "use1-az4"]) == {
        "public": {"use1-az1": "10.0.16.0/22", "use1-az4": "10.0.112.0/22"},
        "private": {"use1-az1": "10.0.0.0/20", "use1-az4": "10.0.96.0/20"},
        "isolated": {"use1-az1": "10.0.20.0/22", "use1-az4": "10.0.116.0/22"},
    }


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.0.0.0/20"])
def test_every_subnet_of_an_allowed_vpc_is_one_aws_takes(cidr: str):
    """AWS takes subnets from /16 to /28 and keeps five addresses of each."""
    for row in allocate(cidr, ["use1-az8"]).values():
        assert all(16 <= IPv4Network(block).prefixlen <= 28 for block in row.values())


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("us-east-1a", "zone 'us-east-1a' is not an availability zone id such as use1-az1"),
        ("use1-az0", "zone 'use1-az0' is not an availability zone id"),
        ("use1-az9", "zone 'use1-az9' is not an availability zone id"),
        ("use1-az12", "zone 'use1-az12' is not an availability zone id"),
        ("use1-az1\n", r"zone 'use1-az1\\n' is not an availability zone id"),
        ("usw2-lax1-az1", "local zones have none"),
        ("", "zone '' is not an availability zone id"),
    ],
)
def test_what_is_no_zone_id_is_refused(zone: str, said: str):
    with pytest.raises(ValueError, match=said):
        allocate("10.0.0.0/16", [zone])


@pytest.mark.parametrize(
    ("first", "slots", "said"),
    [
        (0, 3, "tier bad: slots must be 1, 2, 4 or 8, and first_slot a multiple of it"),
        (0, 0, "tier bad: slots must be 1, 2, 4 or 8"),
        (2, 4, "tier bad: slots must be 1, 2, 4 or 8, and first_slot a multiple of it"),
        (8, 1, r"tier bad: slots 8\.\.8 leave the zone's block"),
        (-1, 1, r"tier bad: slots -1\.\.-1 leave the zone's block"),
        (8, 8, r"tier bad: slots 8\.\.15 leave the zone's block"),
    ],
)
def test_a_tier_outside_its_zone_is_refused(first: int, slots: int, said: str):
    with pytest.raises(ValueError, match=said):
        Tier("bad", first, slots)


def test_tiers_that_share_a_slot_are_refused():
    with pytest.raises(ValueError, match="tiers private and batch both own slot 2"):
        allocate("10.0.0.0/16", ["use1-az1"], [*TIERS, Tier("batch", 2, 2)])


def test_tiers_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two tiers have one name: public, private, isolated, private"):
        allocate("10.0.0.0/16", ["use1-az1"], [*TIERS, Tier("private", 6)])


def test_zones_of_one_number_are_refused():
    """use1-az1 and usw2-az1 would share an eighth of the block."""
    with pytest.raises(ValueError, match="zones use1-az1 and usw2-az1 both own block 1"):
        allocate("10.0.0.0/16", ["use1-az1", "usw2-az1"])


def test_a_vpc_too_small_for_its_slots_is_refused():
    with pytest.raises(
        ValueError, match=r"VPC 10\.0\.0\.0/28 is too small for 64 subnets: use /22 or larger"
    ):
        allocate("10.0.0.0/28", ["use1-az1"])
