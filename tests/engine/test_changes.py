"""What `concierge plan --diff` says of a change is what the engine does: which resources, and what to each.

The engine asks the test provider, whose rules are by hand from the provider's own code; the plan's come from
CloudFormation's schemas and the SDK's docs. Where the plan says *unknown*, the engine may do either.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import plan
from plan import Plan, Resource
from plan.diff import Diff, Kind, diff
from tests.engine import sdk_helpers
from tests.engine.conftest import NEW, PAGER, Rise, deployed, texts
from tests.engine.engine_helpers import Outcome

pytestmark = pytest.mark.prove

# Sealed or not, the pager subscribes.
SETTINGS = {**deployed("prod"), "notices.pager_url": PAGER}
PRIMARY = {"name": "us-east-1", "cidr": "10.0.0.0/16", "zones": ["use1-az1", "use1-az2", "use1-az4"]}
# What can be told apart is changed together: a preview of prod takes the best part of a minute.
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "image, search nodes, disks, cache nodes, flow logs, sign-in, edge": {
        "agent.image_digest": NEW,
        "search.node_type": "r7g.4xlarge.search",
        "search.volume_gb": 200,
        "data.cache.node_type": "cache.r7g.xlarge",
        "network.flow_log_days": 30,
        "identity.threat_protection": "off",
        "edge.price_class": "PriceClass_100",
    },
    "size of a service, share of the standby, one way out, origin secret, no events, owner": {
        "agent.services.rest.cpu": 2048,
        "agent.services.rest.memory_mb": 4096,
        "regions.standby_percent": 25,
        "network.nat": "single",
        "edge.origin_secret_generation": 2,
        "events.enabled": False,
        "environment.owner": "somebody-else",
    },
    "host, no protection": {"agent.host": "agentcore", "environment.protect": False},
    "zone, domain": {
        "regions.primary": {**PRIMARY, "zones": [*PRIMARY["zones"], "use1-az5"]},
        "domain.name": "other.example.com",
    },
    "address block": {"regions.primary": {**PRIMARY, "cidr": "10.9.0.0/16"}},
}
DID = {"create": Kind.ADDED, "delete": Kind.REMOVED, "update": Kind.CHANGED, "replace": Kind.REPLACED}


@dataclass(frozen=True)
class Both:
    """One change, as each of the two sees it."""

    after: Plan
    found: Diff
    outcome: Outcome


@pytest.fixture(scope="module")
def before(root: Path) -> Plan:
    return plan.once("prod", root, texts(SETTINGS))


@pytest.fixture(params=CHANGES, scope="module")
def both(request: pytest.FixtureRequest, root: Path, rises: Callable[[str], Rise], before: Plan) -> Both:
    changes = CHANGES[request.param]
    after = plan.once("prod", root, texts({**SETTINGS, **changes}))
    engine = rises("prod").engine
    with engine.changed(changes):
        outcome = engine.preview()
    return Both(after, diff(before, after), outcome)


def test_the_engine_does_to_each_resource_what_the_plan_says(both: Both):
    assert [*disagreements(both)] == []


def test_the_engine_refuses_what_the_plan_calls_blocked_and_nothing_else(both: Both):
    blocked = {change.resource.urn for change in both.found.blocked}
    assert (both.outcome.code == 0) == (not blocked), both.outcome.told
    errors = "\n".join(both.outcome.diagnostics.get("error", []))
    assert set(re.findall(r'resource "(urn:[^"]+)"\s+(?:cannot be deleted|as it is)', errors)) == blocked


def disagreements(both: Both) -> Iterator[str]:
    did = {step.urn: DID[step.op] for step in both.outcome.steps if step.op in DID}
    open_ended = reach(both.after, [change.resource.urn for change in both.found.unknown])
    for change in both.found.resources:
        urn, says = change.resource.urn, change.kind
        does = did.get(urn, Kind.UNCHANGED)
        if says is Kind.UNKNOWN:
            agreed = does in {Kind.CHANGED, Kind.REPLACED}
        elif urn in open_ended and says in {Kind.UNCHANGED, Kind.CHANGED}:
            # The plan says of what it does not know that this may be touched.
            agreed = does in {says, Kind.CHANGED, Kind.REPLACED}
        elif says is Kind.UNCHANGED and retagged(change.resource, both.found):
            agreed = does is Kind.CHANGED
        else:
            agreed = does is says
        if not agreed:
            why = [f"{x.path}: {x.verdict} ({x.source})" for x in change.changes]
            yield f"{change.resource.label}: the plan says {says}, the engine {does} {why}"


def reach(after: Plan, urns: list[str]) -> set[str]:
    """Everything that holds something of these, and so on."""
    found: set[str] = set()
    waiting = set(urns)
    while waiting:
        waiting = {
            resource.urn
            for resource in after.resources
            if any(waiting & set(needed) for needed in resource.property_dependencies.values())
        } - found
        found |= waiting
    return found


def retagged(resource: Resource, found: Diff) -> bool:
    """Whether its provider's own tags change: `whatever it tags is updated with it`."""
    providers = {
        change.resource.urn
        for change in found.changed
        if any(x.path.startswith("defaultTags") for x in change.changes)
    }
    tags = resource.type.startswith("aws:") and "tagsAll" in sdk_helpers.kind(resource.type).computed
    return bool(tags and resource.provider in providers)


def test_a_change_carried_out_deletes_nothing_that_is_still_used(
    rises: Callable[[str], Rise], tmp_path: Path
):
    """The provider deletes first what has a name of the program's: such a thing may not be in use."""
    zones = {**PRIMARY, "zones": [*PRIMARY["zones"], "use1-az5"]}
    with rises("prod").engine.copied(tmp_path) as engine:
        engine.setting({"regions.primary": zones, "agent.image_digest": NEW})
        outcome = engine.up()
        assert outcome.code == 0, outcome.told
        assert "primary-rest-link" in engine.world.done("delete")
        assert engine.world.in_use == []


def test_both_hold_the_same_dependencies(rises: Callable[[str], Rise], before: Plan):
    """Those of the plan, property by property, are those in the state file."""
    state = {resource["urn"]: resource for resource in rises("prod").state}
    assert {resource.urn for resource in before.resources} == state.keys()
    for resource in before.resources:
        written = state[resource.urn]
        needs = {k: sorted(urns) for k, urns in resource.property_dependencies.items() if urns}
        has = {k: sorted(u) for k, u in (written.get("propertyDependencies") or {}).items() if u}
        assert has == needs, resource.label
        assert bool(written.get("protect")) == resource.options.protect, resource.label
        assert written.get("parent") == resource.parent, resource.label


def test_at_least_twelve_settings_are_changed():
    assert sum(map(len, CHANGES.values())) >= 12
