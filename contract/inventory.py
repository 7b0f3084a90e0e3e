"""The names an environment is made of (design: inventory): exported by the stack, read by operators' tools.

Keys are the estate's own words (`sessions`, `controls`, `bedrock-throttled`); values are what AWS calls them.
"""

from collections.abc import Mapping

from contract.base import Shape


class RegionInventory(Shape):
    """One region."""

    region: str
    tables: Mapping[str, str] = {}
    parameters: Mapping[str, str] = {}
    topics: Mapping[str, str] = {}
    alarms: Mapping[str, str] = {}
    models: Mapping[str, str] = {}
    endpoints: Mapping[str, str] = {}
    machines: Mapping[str, str] = {}
    experiments: Mapping[str, str] = {}


class Inventory(Shape):
    """One environment: role (`primary`, `standby`) -> region."""

    environment: str
    regions: Mapping[str, RegionInventory]

    @property
    def primary(self) -> RegionInventory:
        return self.regions["primary"]
