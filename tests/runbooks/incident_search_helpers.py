"""Incidents of SageMaker and of the search domain."""

from typing import Any

from tests.runbooks.estate_parts_helpers import (
    ask,
    cluster,
    domain,
    domain_config,
    endpoint,
    fill,
    generation,
    sagemaker,
)
from tests.runbooks.place_helpers import Incident, Place, Shown


def _instances(place: Place, name: str) -> int:
    return int(endpoint(place, name)["ProductionVariants"][0]["DesiredInstanceCount"])


def _unresponsive(place: Place) -> Shown:
    """Two instances of the intent model cannot carry it; five can."""
    return {"Invocation5XXErrors intent": 0.4 if _instances(place, "intent") < 5 else 0.01}


def _late(place: Place) -> Shown:
    return {"ModelLatency rerank": 400_000 if _instances(place, "rerank") < 4 else 90_000}


def _slow(place: Place) -> Shown:
    """Looser caching is not enough: six nodes are."""
    return {"SearchLatency search": 900 if domain_config(place)["InstanceCount"] < 6 else 120}


def _disk(place: Place) -> Shown:
    return {"FreeStorageSpace search": 4_000 if domain_config(place)["VolumeSize"] < 200 else 90_000}


def _fill_disk(place: Place) -> None:
    """96 GB of each node's 100 are in use, and OpenSearch has blocked the index."""
    from contract.faults import Fault, FaultKind

    faults: Any = place.memory["search"]._faults
    faults.inject(Fault(target="search", kind=FaultKind.DISK_FULL, rate=1.0, lease_s=600))
    ask(place, "PUT", "/documents-1/_settings", {"index.blocks.read_only_allow_delete": "true"})


def _lose_node(place: Place) -> None:
    place.memory["search"].cluster.nodes = 2


def _yellow(place: Place) -> Shown:
    status = ask(place, "GET", "/_cluster/health")["status"]
    return {"ClusterStatus.yellow search": float(status == "yellow")}


def _poorer(place: Place) -> None:
    """A second generation holds half, and the alias reads it."""
    ask(place, "PUT", "/documents-2", generation("titan"))
    fill(place, "documents-2", 50)
    actions = [
        {"remove": {"index": "documents-1", "alias": "documents"}},
        {"add": {"index": "documents-2", "alias": "documents"}},
    ]
    ask(place, "POST", "/_aliases", {"actions": actions})


def _machine(place: Place) -> None:
    """The bulk machine, as the plan has it."""
    definition = '{"StartAt": "a", "States": {"a": {"Type": "Pass", "End": true}}}'
    place.client("stepfunctions").create_state_machine(
        name="concierge-prod-ingest-bulk", definition=definition, roleArn="arn:aws:iam::123456789012:role/r"
    )


def _copied(place: Place) -> None:
    """The bulk machine copies once it was started."""
    listed = place.client("stepfunctions").list_executions(
        stateMachineArn=place.name("machines", "ingest-bulk")
    )["executions"]
    if listed and "copied" not in place.memory:
        place.memory["copied"] = True
        fill(place, "documents-2", 100)


INCIDENTS = (
    Incident(runbook="sagemaker-unresponsive", shows=_unresponsive, stands=(sagemaker,)),
    Incident(runbook="sagemaker-latency", shows=_late, stands=(sagemaker,)),
    Incident(runbook="opensearch-slow", shows=_slow, stands=(domain, cluster)),
    Incident(runbook="opensearch-disk", shows=_disk, stands=(domain, cluster), breaks=_fill_disk),
    Incident(runbook="opensearch-red", shows=_yellow, stands=(cluster,), breaks=_lose_node),
    Incident(runbook="irrelevant-results", stands=(cluster,), breaks=_poorer),
    Incident(
        runbook="reindex",
        stands=(cluster, _machine),
        passes=_copied,
        inputs={"generation": "2"},
        phased=True,
        others=("opensearch-slow", "opensearch-disk", "opensearch-red"),
        reversible=False,
    ),
)
