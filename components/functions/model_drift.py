"""Whether messages have changed since the model was trained (MOD-7): one look a day at what was captured.

The shares of intents that the classifier told yesterday are held against those of its training
(`baselines/<model>.json`, written with the model) as the population stability index: below 0.1 nothing moved,
above 0.2 the model judges other traffic than it learned. The figures are written as one log line in
CloudWatch's embedded metric format. Calls are counted, their text is neither kept nor logged.
"""

import json
import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

NAMESPACE = "Concierge/Models"
# Fewer calls than this jump about by themselves.
ENOUGH_CALLS = 500
# A day of a busy shop has more files than a function can read: then every n-th.
MOST_FILES = 400
OTHER = "other"


class Store(Protocol):
    """What is needed of S3."""

    def keys(self, prefix: str) -> list[str]: ...
    def read(self, key: str) -> str: ...


@dataclass(frozen=True)
class Found:
    """A day's calls; `drift` is none when there were too few to tell."""

    calls: int
    unread: int
    drift: float | None


def look(store: Store, captures: str, baseline_key: str, day: datetime) -> Found:
    """Yesterday's, from the files of its hours."""
    baseline = json.loads(store.read(baseline_key))["intents"]
    keys = store.keys(f"{captures}/{day:%Y/%m/%d}/")
    step = max(1, math.ceil(len(keys) / MOST_FILES))
    counted = Counter(intent for key in keys[::step] for intent in intents(store.read(key).splitlines()))
    unread = counted.pop(None, 0)
    calls = counted.total()
    told = {intent: count for intent, count in counted.items() if intent is not None}
    return Found(calls, unread, index(told, baseline) if calls >= ENOUGH_CALLS else None)


def intents(lines: Iterable[str]) -> Iterator[str | None]:
    """The intent of each captured call; none where the answer is not what the classifier answers."""
    for line in lines:
        try:
            answer = json.loads(json.loads(line)["captureData"]["endpointOutput"]["data"])
            intent = answer["intent"]
        except (ValueError, KeyError, TypeError):
            yield None
        else:
            yield intent if isinstance(intent, str) else None


def index(counts: Mapping[str, int], baseline: Mapping[str, float]) -> float:
    """Population stability index of counts against shares; what training never saw is one intent more."""
    total, whole = sum(counts.values()), sum(baseline.values())
    known = {intent: counts.get(intent, 0) for intent in baseline}
    seen = {**known, OTHER: total - sum(known.values())}
    expected = {**{intent: share / whole for intent, share in baseline.items()}, OTHER: 0.0}
    # Half a call stands for none, so that a share of zero has a logarithm.
    least = 0.5 / total
    pairs = ((max(seen[i] / total, least), max(expected[i], least)) for i in seen)
    return sum((now - then) * math.log(now / then) for now, then in pairs)


def report(environment: str, model: str, found: Found, now: float) -> dict[str, Any]:
    """One line in the embedded metric format."""
    figures: dict[str, float] = {"Calls": found.calls, "Unread": found.unread}
    if found.drift is not None:
        figures["Drift"] = round(found.drift, 4)
    return {
        "_aws": {
            "Timestamp": int(now * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Environment", "Model"]],
                    "Metrics": [
                        {"Name": name, "Unit": "None" if name == "Drift" else "Count"} for name in figures
                    ],
                }
            ],
        },
        "Environment": environment,
        "Model": model,
        **figures,
    }


class _Bucket:
    def __init__(self, name: str) -> None:
        import boto3  # Lambda brings it

        self._s3, self._name = boto3.client("s3"), name

    def keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def read(self, key: str) -> str:
        body: bytes = self._s3.get_object(Bucket=self._name, Key=key)["Body"].read()
        return body.decode()


def handler(_: object, __: object) -> None:
    """Lambda's way in."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    found = look(_Bucket(os.environ["BUCKET"]), os.environ["CAPTURES"], os.environ["BASELINE"], yesterday)
    print(json.dumps(report(os.environ["ENVIRONMENT"], os.environ["MODEL"], found, time.time())))
