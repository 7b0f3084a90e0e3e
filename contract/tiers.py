"""The order in which answers degrade (RUN-5). Everybody names tiers with these words."""

from enum import StrEnum


class Tier(StrEnum):
    """From the best answer to none at all; the order of the members is the order of the ladder."""

    T0 = "T0"  # Sonnet: provisioned, overflow on demand
    T1 = "T1"  # Haiku for all
    STANDBY = "standby"  # the other region
    T2 = "T2"  # canned answers, marked as such
    T3 = "T3"  # closed: banner, FAQ and human links

    def is_below(self, other: "Tier") -> bool:
        """Whether it is further down the ladder."""
        return _ORDER[self] > _ORDER[other]


_ORDER = {tier: place for place, tier in enumerate(Tier)}
