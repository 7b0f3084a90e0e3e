"""A change of one setting touches what it must and nothing else, and the same in both regions."""

import re
from collections.abc import Callable, Mapping

import pytest

from plan.diff import Diff, Kind, diff
from tests.conftest import Planned

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
SERVICES = ("chat", "rest", "tools", "ingest")


Change = Callable[[Mapping[str, str], Mapping[str, str]], Diff]


@pytest.fixture
def changed(planned: Planned) -> Change:
    """From prod with some settings to prod with others beside them."""
    return lambda before, after: diff(planned("prod", before), planned("prod", {**before, **after}))


def names(found: Diff, kind: Kind) -> set[str]:
    """What happens in the primary; the standby must be touched in the same way."""
    here = {c.resource.name for c in found.resources if c.kind is kind}
    primary = {name.removeprefix("primary-") for name in here if name.startswith("primary-")}
    assert {name.removeprefix("standby-") for name in here if name.startswith("standby-")} == primary
    assert len(here) == 2 * len(primary), "touches something outside of the regions"
    return primary


def types(found: Diff, kind: Kind) -> set[str]:
    return {c.resource.type.rpartition(":")[2] for c in found.resources if c.kind is kind}


def test_a_new_image_replaces_task_definitions_and_rolls_services(changed: Change):
    found = changed({"agent.image_digest": OLD}, {"agent.image_digest": NEW})
    assert names(found, Kind.REPLACED) == {f"agent-{service}-definition" for service in SERVICES}
    assert names(found, Kind.CHANGED) == {f"agent-{service}-service" for service in SERVICES}
    assert {x.path for c in found.replaced for x in c.changes} == {"containerDefinitions[0].image"}
    assert (found.added, found.removed, found.unknown) == ((), (), ())


@pytest.mark.parametrize(
    ("settings", "touched"),
    [
        ({"search.node_type": "r7g.4xlarge.search"}, ("search-domain", "clusterConfig.instanceType")),
        ({"data.cache.node_type": "cache.r7g.xlarge"}, ("cache-group", "nodeType")),
    ],
    ids=["search", "cache"],
)
def test_another_instance_type_changes_that_one_thing_in_place(
    changed: Change, settings: Mapping[str, str], touched: tuple[str, str]
):
    found = changed({}, settings)
    assert names(found, Kind.CHANGED) == {touched[0]}
    assert {x.path for c in found.changed for x in c.changes} == {touched[1]}
    assert (found.added, found.removed, found.replaced, found.unknown) == ((), (), (), ())


def test_another_size_of_one_service_leaves_the_others_alone(changed: Change):
    found = changed({}, {"agent.services.rest.cpu": "2048", "agent.services.rest.memory_mb": "4096"})
    assert names(found, Kind.REPLACED) == {"agent-rest-definition"}
    assert names(found, Kind.CHANGED) == {"agent-rest-service"}
    assert (found.added, found.removed) == ((), ())


def test_another_zip_makes_new_versions_that_the_endpoints_serve(changed: Change):
    """RUN-19: pushed code serves nobody until the endpoint names the version made of it."""
    before = {
        "agent.host": "agentcore",
        "agent.image_digest": OLD,
        "agent.code.digest": OLD,
        "agent.code.version": "v1",
    }
    found = changed(before, {"agent.code.digest": NEW, "agent.code.version": "v2"})
    runtimes = {f"agent-core-{workload}" for workload in ("chat", "tools")}
    assert names(found, Kind.CHANGED) - {f"{name}-live" for name in runtimes} == runtimes
    paths = {x.path for c in found.changed if "live" not in c.resource.name for x in c.changes}
    place = "agentRuntimeArtifact.codeConfiguration.code.s3"
    assert paths == {f"{place}.prefix", f"{place}.versionId"}
    assert (found.added, found.removed, found.replaced, found.unknown) == ((), (), (), ())


def test_another_host_moves_chat_and_tools_and_leaves_data_doors_and_network(changed: Change):
    found = changed({"agent.image_digest": OLD}, {"agent.host": "agentcore"})
    assert found.replaced == ()
    assert types(found, Kind.ADDED) == {
        *("AgentcoreAgentRuntime", "AgentcoreAgentRuntimeEndpoint", "AgentcoreGateway"),
        *("AgentcoreGatewayTarget", "AgentcoreMemory", "LogGroup", "MetricAlarm", "Role", "RolePolicy"),
    }
    assert types(found, Kind.REMOVED) == {
        *("Service", "TaskDefinition", "Policy", "Target", "LogGroup", "MetricAlarm", "Role", "RolePolicy"),
    }
    gone = {name for name in names(found, Kind.REMOVED) if not name.startswith("alarms-")}
    assert {name.split("-")[1] for name in gone} == {"chat", "tools"}
    # The roles that may read the search are others, runbooks find new alarms, and pages show the new host.
    pages = {"dashboards-agents", "dashboards-war-room"}
    assert names(found, Kind.CHANGED) == {"inventory-object", "search-domain", *pages}


@pytest.mark.parametrize("host", ["ecs", "agentcore"])
def test_search_opens_to_roles_that_there_are(planned: Planned, host: str):
    """Its policy names roles by name, because they are made after it."""
    made = planned("prod", {"agent.host": host, "agent.image_digest": OLD})
    roles = {role.inputs.get("name") for role in made.of_type("iam.Role")}
    for domain in made.of_type("opensearch.Domain"):
        named = set(re.findall(r":role/([\w-]+)", domain.inputs["accessPolicies"]))
        assert len(named) == 5
        assert {name for name in named if not name.endswith("-search-setup")} <= roles


def test_standby_runs_a_share_of_the_primary_and_can_grow_as_large(changed: Change):
    """NET-7: static stability. Nothing but the least number of tasks follows the share."""
    deployed = {"agent.image_digest": OLD, "agent.services.rest.minimum": "8"}
    found = changed(deployed, {"regions.standby_percent": "25"})
    bounds = {c.resource.name: c.changes for c in found.changed if c.resource.name.endswith("-bounds")}
    assert all(name.startswith("standby-") for name in bounds)
    assert {x.path for changes in bounds.values() for x in changes} == {"minCapacity"}
    rest = next(c for c in found.changed if c.resource.name == "standby-agent-rest-scaling-bounds")
    assert [(x.before, x.after) for x in rest.changes] == [(8, 2)]
    assert (found.replaced, found.removed, found.added) == ((), (), ())
