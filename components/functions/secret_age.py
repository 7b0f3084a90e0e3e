"""How old are our secrets (OPS-9)? A metric a secret, in days. Runs in Lambda; knows only boto3."""

import os
import time
from typing import Any

NAMESPACE = "Concierge/Secrets"
DAY = 86_400


def handler(_event: Any, _context: Any) -> dict[str, float]:
    """Days since each secret of the list was made or last changed."""
    import boto3

    ages = measure(
        boto3.client("secretsmanager"),
        [name for name in os.environ["SECRETS"].split(",") if name],
        time.time(),
    )
    if ages:
        boto3.client("cloudwatch").put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": "Age",
                    "Dimensions": [
                        {"Name": "Environment", "Value": os.environ["ENVIRONMENT"]},
                        {"Name": "Secret", "Value": name},
                    ],
                    "Value": days,
                    "Unit": "None",
                }
                for name, days in ages.items()
            ],
        )
    return ages


def measure(secrets: Any, names: list[str], now: float) -> dict[str, float]:
    """A value's own age: reading a secret, tagging or copying it does not make it younger."""
    ages = {}
    for name in names:
        versions = secrets.list_secret_version_ids(SecretId=name)["Versions"]
        current = [v["CreatedDate"] for v in versions if "AWSCURRENT" in v.get("VersionStages", ())]
        if current:
            ages[name] = (now - max(current).timestamp()) / DAY
    return ages
