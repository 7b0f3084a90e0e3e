"""Which addresses a subnet gets. Pure arithmetic, no resources.

Every zone number (the 4 of use1-az4) owns an eighth of the VPC, whether or not the zone is used, and every
tier owns fixed eighths of that block. So a subnet's addresses follow from its zone id and tier alone:
adding a zone or a tier cannot move another subnet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

ZONE_BLOCKS = 8
TIER_SLOTS = 8
# AWS takes no subnet below /28; eighths of eighths are six bits.
_SMALLEST = 22
_ZONE_ID = re.compile(r"[a-z]+[0-9]-az(?P<number>[0-9])")


@dataclass(frozen=True, slots=True)
class Tier:
    """A kind of subnet and the slots it owns inside each zone's block (eighths, aligned)."""

    name: str
    first_slot: int
    slots: int = 1

    def __post_init__(self) -> None:
        if self.slots not in {1, 2, 4, 8} or self.first_slot % self.slots:
            raise ValueError(f"tier {self.name}: slots must be 1, 2, 4 or 8, and first_slot a multiple of it")
        if not 0 <= self.first_slot <= TIER_SLOTS - self.slots:
            raise ValueError(
                f"tier {self.name}: slots {self.first_slot}..{self.last_slot} leave the zone's block"
            )

    @property
    def last_slot(self) -> int:
        return self.first_slot + self.slots - 1


# Half of each zone for the agent's tasks, the rest in small parts; slots 6 and 7 wait for a later tier.
PRIVATE = Tier("private", first_slot=0, slots=4)
PUBLIC = Tier("public", first_slot=4)
ISOLATED = Tier("isolated", first_slot=5)
TIERS = (PUBLIC, PRIVATE, ISOLATED)


def subnet(cidr: str, zone_id: str, tier: Tier) -> IPv4Network:
    """The block of one tier in one zone of the VPC `cidr`."""
    vpc = IPv4Network(cidr)
    zone = _part(vpc, ZONE_BLOCKS, zone_number(zone_id) - 1)
    return _part(zone, TIER_SLOTS // tier.slots, tier.first_slot // tier.slots)


def allocate(
    cidr: str, zone_ids: Iterable[str], tiers: Iterable[Tier] = TIERS
) -> Mapping[str, Mapping[str, str]]:
    """tier name -> zone id -> block, for every zone and tier; refuses tiers that share a slot."""
    tiers, zones = tuple(tiers), tuple(zone_ids)
    if IPv4Network(cidr).prefixlen > _SMALLEST:
        raise ValueError(f"VPC {cidr} is too small for 64 subnets: use /{_SMALLEST} or larger")
    _no_sharing("zones", "block", [(zone, zone_number(zone)) for zone in zones])
    _no_sharing(
        "tiers", "slot", [(t.name, slot) for t in tiers for slot in range(t.first_slot, t.last_slot + 1)]
    )
    if len({tier.name for tier in tiers}) != len(tiers):
        raise ValueError(f"two tiers have one name: {', '.join(tier.name for tier in tiers)}")
    return {tier.name: {zone: str(subnet(cidr, zone, tier)) for zone in zones} for tier in tiers}


def _no_sharing(owners: str, place: str, claims: Iterable[tuple[str, int]]) -> None:
    taken: dict[int, str] = {}
    for owner, number in claims:
        if number in taken:
            raise ValueError(f"{owners} {taken[number]} and {owner} both own {place} {number}")
        taken[number] = owner


def zone_number(zone_id: str) -> int:
    """use1-az4 -> 4."""
    match = _ZONE_ID.fullmatch(zone_id)
    number = int(match["number"]) if match else 0
    if not 1 <= number <= ZONE_BLOCKS:
        raise ValueError(
            f"zone {zone_id!r} is not an availability zone id such as use1-az1 (local zones have none)"
        )
    return number


def _part(network: IPv4Network, parts: int, index: int) -> IPv4Network:
    bits = parts.bit_length() - 1
    size = network.num_addresses // parts
    return IPv4Network((int(network.network_address) + index * size, network.prefixlen + bits))
