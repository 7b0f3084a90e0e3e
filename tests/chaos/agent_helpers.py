"""The agent as a program on two stand-ins, Bedrock and moto: the least that can be broken and asked."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config

from rehearsal import clients, standins
from rehearsal.agent import agent
from rehearsal.processes import Processes
from runtime.testing.ladders import REGION, alone

STACK, SECRET = "test", "concierge-test-tokens"


@dataclass(frozen=True)
class Alone:
    """Where they are. `lines`: the file of what the agent writes."""

    host: str
    faults: str
    moto: str
    lines: Path

    def client(self, service: str) -> Any:
        patient = Config(read_timeout=60)  # moto loads a service with its first call
        return clients.boto_session(REGION).client(service, endpoint_url=self.moto, config=patient)


@contextmanager
def agent_alone(folder: Path, changed: Mapping[str, Any] | None = None, before: str = "") -> Iterator[Alone]:
    """With settings that look at the controls every moment, and a secret of which orders' key is made.

    `changed`: parts of its settings. `before`: what its program does first, to take something away.
    """
    with Processes(folder) as processes:
        bedrock, aws = standins.start_bedrock(processes, seed=7, speed=3.0), standins.start_aws(processes)
        faults, moto = standins.url(bedrock), standins.url(aws)
        controls = {"poll_s": 0.3, "published_poll_s": 30.0, "jitter": 0.0}
        settings = alone().model_dump(mode="json") | {"controls": controls} | dict(changed or {})
        found = Alone("", faults, moto, folder)
        ssm = found.client("ssm")
        for name, value in (("settings", json.dumps(settings)), ("controls", "{}")):
            ssm.put_parameter(Name=f"/concierge/{STACK}/{name}", Value=value, Type="String", Tier="Advanced")
        found.client("secretsmanager").create_secret(Name=SECRET, SecretString="s3cret")
        variables = {
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": clients.NOBODY,
            "AWS_SECRET_ACCESS_KEY": clients.NOBODY,
            "AWS_ENDPOINT_URL": moto,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": faults,
            "CONCIERGE_TOKEN_SECRET": SECRET,
            "CONCIERGE_MODELS": "",
        }
        process = agent(processes, STACK, variables, before=before)
        yield Alone(str(process.ready_line(60)["url"]), faults, moto, process.out)


def rows_of(lines: Path) -> list[dict[str, Any]]:
    """What the agent wrote; the last line may still be on its way."""
    return [json.loads(line) for line in lines.read_text(encoding="utf-8").split("\n")[:-1]]


class Alarms:
    """CloudWatch with one alarm: red while the agent's own metrics of the last seconds say so."""

    def __init__(self, lines: Path, says: Callable[[dict[str, Any]], bool], *, enabled: bool = True) -> None:
        self._lines, self._says, self._enabled = lines, says, enabled

    def describe_alarms(self, AlarmNames: list[str]) -> Any:  # noqa: N803 - the API's word
        since = (time.time() - 4) * 1_000
        lately = (r for r in rows_of(self._lines) if "_aws" in r and r["_aws"]["Timestamp"] > since)
        state = "ALARM" if self._enabled and any(self._says(row) for row in lately) else "OK"
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": state} for name in AlarmNames]}
