"""DAX does not answer: reads go to the tables, which must carry them (DATA-2).

The runtime works without DAX: coalesced reads with jitter. So the tables are relieved first, then a node that
is not available is started anew.
"""

from runbooks.engine import About, Alarmed, Blame, Call, Finding, Once, Runbook, Watch, World, calling
from runbooks.engine.places import cluster_of_caches
from runbooks.engine.steps import found
from runbooks.parts import relief
from runbooks.parts.dynamodb import READS_THROTTLED

ID = "dax-down"
DESCRIBE = "dax.describe_clusters"
FAULTS = Watch(
    what="requests that DAX could not answer, a minute",
    namespace="AWS/DAX",
    metric="FaultRequestCount",
    of=cluster_of_caches,
    statistic="Sum",
    limit=50,
)


@calling(DESCRIBE)
def nodes(world: World) -> Finding:
    """Which nodes are not available?"""
    name = world.all("caches").get("dax")
    if name is None:
        return Finding(what="this environment has no DAX", cause=False)
    cluster = world.aws.read("dax", "describe_clusters", ClusterNames=[name])["Clusters"][0]
    states = {node["NodeId"]: node["NodeStatus"] for node in cluster["Nodes"]}
    ill = tuple(sorted(node for node, state in states.items() if state != "available"))
    what = f"not available: {', '.join(ill)}" if ill else f"all {len(states)} nodes are available"
    return Finding(what=what, evidence=dict(states), cause=bool(ill), subjects=ill)


def _reboot(world: World, node: str) -> Call:
    request = {"ClusterName": world.named("caches", "dax"), "NodeId": node}
    return Call(service="dax", operation="reboot_node", request=request)


REBOOT = Once(
    name="start the node anew",
    effect="its share of the reads is cached again",
    subjects=found("nodes"),
    done=lambda world, node: node not in nodes(world).subjects,
    call=_reboot,
    calls=(DESCRIBE, "dax.reboot_node"),
    before=lambda world, node: str(nodes(world).evidence.get(node, "unknown")),
    after="rebooting",
    no_undo="nothing to undo: its cache was lost already",
)

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="pages and sessions are read more slowly; tables carry all reads",
        budget_min=20,
        escalate="data on-call; AWS Support when a node does not come back in ten minutes",
    ),
    diagnose={"nodes": nodes, "faults": FAULTS, "tables": READS_THROTTLED, "alarms": Alarmed(ID)},
    decide=Blame("nodes"),
    mitigate=(relief.cache("aggressive"), REBOOT),
    verify=FAULTS.well(within_s=900),
)
