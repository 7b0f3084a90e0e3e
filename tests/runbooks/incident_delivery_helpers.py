"""Incidents of what the lines of delivery renew: secrets and contracts."""

from datetime import timedelta
from typing import Any

from tests.runbooks.estate_parts_helpers import beside
from tests.runbooks.place_helpers import Incident, Place


def pipelines(place: Place) -> None:
    """The lines of delivery; what was started is known."""
    runs: list[dict[str, Any]] = place.memory.setdefault("runs", [])

    def start(asked: dict[str, Any]) -> dict[str, Any]:
        runs.append(
            {"pipelineExecutionId": "e", "status": "InProgress", "startTime": place.time, "of": asked["name"]}
        )
        return {"pipelineExecutionId": "e"}

    def show(asked: dict[str, Any]) -> dict[str, Any]:
        mine = [
            {k: v for k, v in run.items() if k != "of"} for run in runs if run["of"] == asked["pipelineName"]
        ]
        return {"pipelineExecutionSummaries": mine}

    beside(place).answer("codepipeline", "StartPipelineExecution", start)
    beside(place).answer("codepipeline", "ListPipelineExecutions", show)


def secrets(place: Place) -> None:
    for secret in place.inventory.primary.secrets.values():
        place.client("secretsmanager").create_secret(Name=secret, SecretString="s")


def _month_later(place: Place) -> None:
    place.time += timedelta(days=40)


def _next_generation(place: Place) -> None:
    """The line has run `up`: a further generation of each."""
    if place.memory["runs"] and "rotated" not in place.memory:
        place.memory["rotated"] = True
        from moto.secretsmanager.models import secretsmanager_backends

        kept = secretsmanager_backends["123456789012"]["us-east-1"].secrets
        for secret in place.inventory.primary.secrets.values():
            name = f"{secret[:-1]}2"
            place.client("secretsmanager").create_secret(Name=name, SecretString="t")
            made: Any = kept[name]
            made.created_date = place.time.timestamp()


def contracts(place: Place) -> None:
    bucket = place.name("buckets", "agent")
    place.client("s3").create_bucket(Bucket=bucket)
    _verify(place)


def _verify(place: Place) -> None:
    for provider in ("pricing", "catalogue"):
        place.client("s3").put_object(
            Bucket=place.name("buckets", "agent"),
            Key=f"contracts/{provider}.json",
            Body=b"{}",
            Metadata={"verified-at": place.time.isoformat()},
        )


def _later(place: Place) -> None:
    place.time += timedelta(days=9)


def _verified(place: Place) -> None:
    if place.memory["runs"]:
        _verify(place)


INCIDENTS = (
    Incident(
        runbook="secret-rotation",
        stands=(secrets, pipelines),
        breaks=_month_later,
        passes=_next_generation,
        reversible=False,
    ),
    Incident(
        runbook="stale-contracts",
        stands=(contracts, pipelines),
        breaks=_later,
        passes=_verified,
        reversible=False,
    ),
)
