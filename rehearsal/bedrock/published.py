"""What Bedrock publishes about calls in CloudWatch, as EMF lines on standard output.

In AWS the service itself puts these metrics; here whoever follows the lines does (`rehearsal.metering`).
Names and dimensions are those of contract/aws_metrics/bedrock.toml. Times are in seconds of the story.
"""

import json
import time
from collections.abc import Callable, Mapping

from contract.metrics import known

NAMESPACE = "AWS/Bedrock"
_PROFILE = ":application-inference-profile/"


def model_id(named: str) -> str:
    """What CloudWatch calls what a call named: of a profile of ours the last part of its ARN."""
    return named.rpartition("/")[2] if _PROFILE in named else named


def write_line(line: str) -> None:
    print(line, flush=True)


class Published:
    """Writes one line a call. `write`: where to."""

    def __init__(self, write: Callable[[str], None] = write_line) -> None:
        self._write = write
        self._units = {name: metric.unit for name, metric in known(NAMESPACE).items()}

    def answered(self, named: str, took_s: float, first_token_s: float | None, *, broken: bool) -> None:
        """A call that was accepted; `broken`: it failed on Bedrock's side after that."""
        values = {"Invocations": 1.0, "InvocationLatency": took_s * 1_000}
        if broken:
            values = {"Invocations": 1.0, "InvocationServerErrors": 1.0}
        elif first_token_s is not None:
            values["TimeToFirstToken"] = first_token_s * 1_000
        self._line(named, values)

    def refused(self, named: str, status: int) -> None:
        """A call that was not; Bedrock counts it by what kind of error it was."""
        kind = "InvocationThrottles" if status == 429 else "InvocationClientErrors"
        if status >= 500 or status in {408, 424}:
            # Failed inside after it was let in: it counts as a call, so that shares can be made.
            self._line(named, {"Invocations": 1.0, "InvocationServerErrors": 1.0})
        else:
            self._line(named, {kind: 1.0})

    def _line(self, named: str, values: Mapping[str, float]) -> None:
        directive = {
            "Namespace": NAMESPACE,
            "Dimensions": [["ModelId"], []],
            "Metrics": [{"Name": name, "Unit": self._units[name]} for name in values],
        }
        envelope = {"Timestamp": round(time.time() * 1_000), "CloudWatchMetrics": [directive]}
        self._write(json.dumps({"_aws": envelope, "ModelId": model_id(named), **values}))
