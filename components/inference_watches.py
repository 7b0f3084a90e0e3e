"""How an endpoint fails and how it looks (OPS-2, OPS-3). Data only, no resource.

The agent goes on without any of the endpoints (rules for intents, Titan for embeddings, no reranking), with
worse answers: what is down pages, what is slow or full is a ticket.
"""

from dataclasses import dataclass
from typing import Any

from components.alarms import Watch
from components.inference_instances import Instance
from contract.alarms import Alarm, Widget

CALLS, HOSTS = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
BUSY_PERCENT = 80
OVERHEAD_MS = 100
# What shoppers notice when the endpoint is not there.
WITHOUT = {
    "intent": "Intents are told by rules alone: more clarifying questions, more wrong turns.",
    "embed": "Embeddings come from Titan: slower, and dearer with every search.",
    "rerank": "Search results are not reranked: answers rest on less fitting passages.",
}
WEAKER = "Answers get worse: a model behind them is missing."


@dataclass(frozen=True, kw_only=True)
class Watched:
    """An endpoint as its alarms need it."""

    what: str
    endpoint: str
    variant: str
    latency_ms: int
    instance: Instance
    busy: bool

    @property
    def dimensions(self) -> dict[str, str]:
        return {"EndpointName": self.endpoint, "VariantName": self.variant}


def watches(watched: Watched) -> list[Watch]:
    silent = [_silent(watched)] if watched.busy else []
    return [*_answers(watched), *_times(watched), _gone(watched), *silent, *_usage(watched)]


def widgets(watched: Watched) -> list[Widget]:
    shown = [
        ("calls", CALLS, "Invocations", "Sum"),
        ("calls for each instance", CALLS, "InvocationsPerInstance", "Sum"),
        ("failed calls", CALLS, "Invocation5XXErrors", "Sum"),
        ("latency of the model, p99", CALLS, "ModelLatency", "p99"),
        ("latency of SageMaker, p99", CALLS, "OverheadLatency", "p99"),
        ("instances that report", HOSTS, "CPUUtilization", "SampleCount"),
        *((name, HOSTS, metric, "Average") for name, metric, _ in _used(watched)),
    ]
    return [
        Widget(
            title=f"{watched.what}: {title}",
            namespace=namespace,
            metric=metric,
            statistic=statistic,
            dimensions=(watched.dimensions,),
        )
        for title, namespace, metric, statistic in shown
    ]


def _answers(watched: Watched) -> list[Watch]:
    failed = _watch(
        watched,
        "errors",
        metric="Invocation5XXErrors",
        statistic="Sum",
        threshold=10,
        severity="page",
        impact=WITHOUT.get(watched.what, WEAKER),
        runbook="sagemaker-unresponsive",
    )
    refused = _watch(
        watched,
        "refused",
        metric="Invocation4XXErrors",
        statistic="Sum",
        threshold=50,
        impact=f"The model of {watched.what} cannot read what it is sent; its caller goes on without it.",
        runbook="deploy-rollback",
    )
    return [failed, refused]


def _times(watched: Watched) -> list[Watch]:
    """In microseconds, as SageMaker counts."""
    model = _watch(
        watched,
        "slow",
        metric="ModelLatency",
        statistic="p99",
        threshold=watched.latency_ms * 1000,
        impact=f"One call of {watched.what} in a hundred takes over {watched.latency_ms} ms, and is dropped.",
        runbook="sagemaker-latency",
    )
    around = _watch(
        watched,
        "overhead",
        metric="OverheadLatency",
        statistic="p99",
        threshold=OVERHEAD_MS * 1000,
        impact=f"SageMaker itself adds over {OVERHEAD_MS} ms to calls of {watched.what}.",
        runbook="sagemaker-latency",
    )
    return [model, around]


def _gone(watched: Watched) -> Watch:
    """There is no count of healthy instances; each reports its CPU once a minute while it lives."""
    return _watch(
        watched,
        "no-instance",
        namespace=HOSTS,
        metric="CPUUtilization",
        statistic="SampleCount",
        comparison="LessThanThreshold",
        threshold=1,
        missing="breaching",
        severity="page",
        impact=WITHOUT.get(watched.what, WEAKER),
        runbook="sagemaker-unresponsive",
    )


def _silent(watched: Watched) -> Watch:
    return _watch(
        watched,
        "silent",
        metric="Invocations",
        statistic="Sum",
        comparison="LessThanThreshold",
        threshold=1,
        datapoints=15,
        of=15,
        missing="breaching",
        impact=f"Nobody has asked {watched.what} for 15 minutes: the agent goes on without it, or is gone.",
        runbook="sagemaker-unresponsive",
    )


def _used(watched: Watched) -> list[tuple[str, str, int]]:
    """(name, metric, what full is)."""
    gpus = 100 * watched.instance.gpus
    on_gpu = [("GPU", "GPUUtilization", gpus), ("GPU memory", "GPUMemoryUtilization", gpus)] if gpus else []
    return [
        ("CPU", "CPUUtilization", 100 * watched.instance.cores),
        ("memory", "MemoryUtilization", 100),
        ("disk", "DiskUtilization", 100),
        *on_gpu,
    ]


def _usage(watched: Watched) -> list[Watch]:
    """Ten minutes: scaling has had its turn by then, and it was not enough."""
    return [
        _watch(
            watched,
            f"{name.lower().replace(' ', '-')}-full",
            namespace=HOSTS,
            metric=metric,
            statistic="Average",
            threshold=full * BUSY_PERCENT / 100,
            datapoints=10,
            of=10,
            impact=f"{name} of {watched.what} instances is over {BUSY_PERCENT} % used: calls get slow next.",
            runbook="sagemaker-latency",
        )
        for name, metric, full in _used(watched)
    ]


def _watch(watched: Watched, id_: str, **parts: Any) -> Watch:
    usual = {
        "namespace": CALLS,
        "datapoints": 3,
        "of": 5,
        "missing": "notBreaching",
        "severity": "ticket",
        "dimensions": watched.dimensions,
    }
    return Watch(Alarm(**{**usual, "id": f"{watched.what}-{id_}", **parts}))
