"""What `concierge plan --diff` says of a change is what the engine does: which resources, and what to each.

The engine asks the test provider, whose rules are by hand from the provider's own code; the plan's come from
CloudFormation's schemas and the SDK's docs. Where the plan says *unknown*, the engine may do either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import plan
from plan import Plan, Resource
from plan.diff import Diff, Kind, diff
from tests.engine import sdk_helpers
from tests.engine.conftest import DEPLOYED, NEW
from tests.engine.engine_helpers import Engine, Outcome

pytestmark = pytest.mark.prove

PRIMARY = {"name": "us-east-1", "cidr": "10.0.0.0/16", "zones": ["use1-az1", "use1-az2", "use1-az4"]}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "another image": {"agent.image_digest": NEW},
    "another size of one service": {
        "agent.services.rest.cpu": 2048,
        "agent.services.rest.memory_mb": 4096,
    },
    "another host": {"agent.host": "agentcore"},
    "another kind of search node": {"search.node_type": "r7g.4xlarge.search"},
    "larger disks": {"search.volume_gb": 200},
    "another kind of cache node": {"data.cache.node_type": "cache.r7g.xlarge"},
    "a smaller standby": {"regions.standby_percent": 25},
    "another zone": {"regions.primary": {**PRIMARY, "zones": [*PRIMARY["zones"], "use1-az5"]}},
    "one way out": {"network.nat": "single"},
    "longer flow logs": {"network.flow_log_days": 30},
    "another owner": {"environment.owner": "somebody-else"},
    "no threat protection": {"identity.threat_protection": "off"},
    "a smaller edge": {"edge.price_class": "PriceClass_100"},
    "no protection": {"environment.protect": False},
    "a new origin secret": {"edge.origin_secret_generation": 2},
    "no events": {"events.enabled": False},
    "another domain": {"domain.name": "other.example.com"},
    "another address block": {"regions.primary": {**PRIMARY, "cidr": "10.9.0.0/16"}},
}
DID = {"create": Kind.ADDED, "delete": Kind.REMOVED, "update": Kind.CHANGED, "replace": Kind.REPLACED}


@dataclass(frozen=True)
class Both:
    """One change, as each of the two sees it."""

    before: Plan
    after: Plan
    found: Diff
    outcome: Outcome


@pytest.fixture(scope="module")
def deployed(root: Path) -> Plan:
    return plan.once("prod", root, texts(DEPLOYED))


def texts(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as the command line takes them."""
    return {key: yaml.safe_dump(value, default_flow_style=True) for key, value in settings.items()}


@pytest.fixture(params=CHANGES, scope="module")
def both(request: pytest.FixtureRequest, root: Path, prod_up: Engine, deployed: Plan) -> Iterator[Both]:
    changes = CHANGES[request.param]
    after = plan.once("prod", root, texts({**DEPLOYED, **changes}))
    prod_up.setting(changes)
    outcome = prod_up.preview()
    prod_up.reset()
    prod_up.setting(DEPLOYED)
    yield Both(deployed, after, diff(deployed, after), outcome)


def test_the_engine_does_to_each_resource_what_the_plan_says(both: Both):
    assert both.outcome.code == 0, both.outcome.told
    assert [*disagreements(both)] == []


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


def test_both_hold_the_same_dependencies(prod_up: Engine, deployed: Plan):
    """Those of the plan, property by property, are those in the state file."""
    state = {resource["urn"]: resource for resource in prod_up.state()}
    assert {resource.urn for resource in deployed.resources} == state.keys()
    for resource in deployed.resources:
        written = state[resource.urn]
        needs = {k: sorted(urns) for k, urns in resource.property_dependencies.items() if urns}
        has = {k: sorted(u) for k, u in (written.get("propertyDependencies") or {}).items() if u}
        assert has == needs, resource.label
        assert bool(written.get("protect")) == resource.options.protect, resource.label
        assert written.get("parent") == resource.parent, resource.label
