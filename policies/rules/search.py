"""The search domain: survives a zone, knows who asks, and says what it does."""

from policies.rule import Faults, each
from policies.rules.compute import GRAVITON
from policies.view import Node, dig

_LOGS = ("SEARCH_SLOW_LOGS", "INDEX_SLOW_LOGS", "AUDIT_LOGS")


@each(
    "search-zones",
    "VEC-1",
    "opensearch.Domain",
    why="One zone lost must cost neither the index nor the search.",
    fix="search.zones: 3, with nodes in multiples of them (components/search.py)",
    elsewhere="advisory",
)
def search_zones(domain: Node) -> Faults:
    """The domain's nodes stand in three zones, as many in each."""
    config = domain.get("clusterConfig") or {}
    zones = dig(config, "zoneAwarenessConfig.availabilityZoneCount") or 2
    if dig(config, "zoneAwarenessEnabled") is not True:
        yield "all nodes stand in one zone"
    elif zones < 3:
        yield f"nodes stand in {zones:g} zones"
    elif (dig(config, "instanceCount") or 1) % zones:
        yield f"{dig(config, 'instanceCount'):g} nodes do not spread over {zones:g} zones"


@each(
    "search-masters",
    "VEC-1",
    "opensearch.Domain",
    why="A data node under load that is master too takes the whole cluster down with it.",
    fix="search.masters: 3",
    elsewhere="advisory",
)
def search_masters(domain: Node) -> Faults:
    """Three nodes do nothing but keep the cluster together."""
    config = domain.get("clusterConfig") or {}
    count = dig(config, "dedicatedMasterCount") if dig(config, "dedicatedMasterEnabled") is True else 0
    if count != 3:
        yield f"there are {count or 0:g} dedicated masters"


@each(
    "search-access",
    "VEC-1",
    "opensearch.Domain",
    why="Whoever reaches the port could read and delete the index.",
    fix="advanced_security_options with a master role and no internal users (components/search.py)",
)
def search_access(domain: Node) -> Faults:
    """The domain asks every caller who they are, and knows roles only, no passwords."""
    if domain.get("advancedSecurityOptions.enabled") is not True:
        yield "fine-grained access control is off"
    if domain.get("advancedSecurityOptions.internalUserDatabaseEnabled") is True:
        yield "users with passwords are kept in the domain"
    if domain.get("advancedSecurityOptions.anonymousAuthEnabled") is True:
        yield "anybody is let in"


@each(
    "search-logs",
    "VEC-1",
    "opensearch.Domain",
    why="Slow queries are found in the slow log, and misuse in the audit log, or not at all.",
    fix="log_publishing_options for slow searches, slow writes and audit (components/search_logs.py)",
)
def search_logs(domain: Node) -> Faults:
    """Slow searches, slow writes and who did what are logged."""
    on = {dig(o, "logType") for o in domain.list("logPublishingOptions") if dig(o, "enabled") is not False}
    for kind in _LOGS:
        if kind not in on:
            yield f"{kind} are not published"


@each(
    "search-tuned",
    "VEC-1",
    "opensearch.Domain",
    why="Heap and queue sizes that fit yesterday's load are what makes tomorrow's slow.",
    fix="search.auto_tune: true (t2 and t3 nodes cannot)",
    elsewhere="advisory",
)
def search_tuned(domain: Node) -> Faults:
    """The domain tunes itself."""
    if domain.get("autoTuneOptions.desiredState") != "ENABLED":
        yield "auto-tune is off"


@each(
    "search-graviton",
    "VEC-1",
    "opensearch.Domain",
    why="Vectors are read from memory all day: Graviton reads more of it for a fifth less.",
    fix="search.instance_type: r7g or r8g (the small types of development have no Graviton twin)",
    elsewhere="advisory",
)
def search_graviton(domain: Node) -> Faults:
    """Data nodes are memory-optimised Graviton, and masters Graviton."""
    config = domain.get("clusterConfig") or {}
    data, master = str(dig(config, "instanceType")), dig(config, "dedicatedMasterType")
    if not (data.startswith("r") and GRAVITON.search(data)):
        yield f"{data} is no memory-optimised Graviton type"
    if master is not None and not GRAVITON.search(str(master)):
        yield f"{master} is no Graviton type"


RULES = (search_graviton, search_zones, search_masters, search_access, search_logs, search_tuned)
