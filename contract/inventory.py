"""The names an environment is made of (design: inventory): exported by the stack, read by operators' tools.

Keys are the estate's own words (`sessions`, `controls`, `bedrock-throttled`); values are what AWS calls them.
"""

from collections.abc import Mapping

from contract.base import Shape


class RegionInventory(Shape):
    """One region. `checks` are Route 53's; `balancers` are ARNs."""

    region: str
    tables: Mapping[str, str] = {}
    parameters: Mapping[str, str] = {}
    topics: Mapping[str, str] = {}
    alarms: Mapping[str, str] = {}
    models: Mapping[str, str] = {}
    endpoints: Mapping[str, str] = {}
    machines: Mapping[str, str] = {}
    experiments: Mapping[str, str] = {}
    services: Mapping[str, str] = {}
    clusters: Mapping[str, str] = {}
    domains: Mapping[str, str] = {}
    caches: Mapping[str, str] = {}
    queues: Mapping[str, str] = {}
    buckets: Mapping[str, str] = {}
    apis: Mapping[str, str] = {}
    balancers: Mapping[str, str] = {}
    checks: Mapping[str, str] = {}
    acls: Mapping[str, str] = {}
    logs: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    pipelines: Mapping[str, str] = {}
    vaults: Mapping[str, str] = {}
    runtimes: Mapping[str, str] = {}


class Inventory(Shape):
    """One environment: role (`primary`, `standby`) -> region."""

    environment: str
    regions: Mapping[str, RegionInventory]

    @property
    def primary(self) -> RegionInventory:
        return self.regions["primary"]
