"""A small estate in moto: a controls document, an alarm, and a runtime whose metrics follow the controls."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from botocore.exceptions import ClientError

from contract.alarms import Alarm
from contract.controls import parse
from contract.inventory import Inventory, RegionInventory
from contract.runtime_settings import RuntimeSettings
from runbooks.engine import Aws, Pace, World
from tests.runbooks.session_helpers import session_of

REGION = "us-east-1"
CONTROLS, SETTINGS = "/concierge/dev/controls", "/concierge/dev/settings"
BANNER = (
    '{"banner":{"value":"Prices may lag","who":"lea","why":"promotion","expires_at":"2031-03-04T23:00:00Z"}}'
)
INVENTORY = Inventory(
    environment="dev",
    regions={
        "primary": RegionInventory(
            region=REGION,
            parameters={"controls": CONTROLS, "settings": SETTINGS},
            alarms={"bedrock-throttled": "concierge-dev-bedrock-throttled"},
        )
    },
)
THROTTLED = Alarm(
    id="bedrock-throttled",
    metric="ModelThrottled",
    dimensions={"Rung": "sonnet"},
    statistic="Average",
    threshold=0.02,
    period_s=10,
    datapoints=2,
    of=3,
    missing="notBreaching",
    severity="page",
    impact="answers come from the smaller model",
    runbook="bedrock-throttled",
)


class Estate:
    """Fifty messages a second. Its clock is the world's: sleeping lets the runtime go on."""

    def __init__(self) -> None:
        self.session = session_of(REGION)
        self.ssm, self.cloudwatch = self.session.client("ssm"), self.session.client("cloudwatch")
        self.time = datetime(2031, 3, 4, 10, 0, tzinfo=UTC)
        self.throttled_share, self.haiku_failed_share, self.unanswered = 0.0, 0.0, 0
        self.simple_share = 0.6  # of the messages leave Sonnet once the threshold is low enough
        self.calls_a_second = 50
        self.on_sleep: Callable[[], None] = lambda: None
        self.write_controls(BANNER)
        self.ssm.put_parameter(Name=SETTINGS, Value=RuntimeSettings().model_dump_json(), Type="String")
        self.cloudwatch.put_metric_alarm(
            AlarmName=INVENTORY.primary.alarms["bedrock-throttled"],
            MetricName=THROTTLED.metric,
            Namespace="Concierge",
            Dimensions=[{"Name": "Environment", "Value": "dev"}, {"Name": "Rung", "Value": "sonnet"}],
            Statistic=cast("Any", THROTTLED.statistic),
            Period=THROTTLED.period_s,
            EvaluationPeriods=THROTTLED.of,
            DatapointsToAlarm=THROTTLED.datapoints,
            Threshold=THROTTLED.threshold,
            ComparisonOperator=THROTTLED.comparison,
        )

    def world(self, operator: str = "amira", **pace: Any) -> World:
        aws = Aws(self.session, REGION, pause=lambda _: None)
        return World(aws=aws, inventory=INVENTORY, operator=operator, clock=self, pace=Pace(**pace))

    @property
    def controls(self) -> str:
        return str(self.ssm.get_parameter(Name=CONTROLS)["Parameter"]["Value"])

    def write_controls(self, text: str) -> None:
        self.ssm.put_parameter(Name=CONTROLS, Value=text, Type="String", Overwrite=True)

    def refuse(self, operation: str, code: str, times: int = 1_000) -> list[str]:
        """The next calls of `ssm.PutParameter`, say, fail; returns the list of attempts that fills up."""
        attempts: list[str] = []

        def fail(params: Any = None, **_: Any) -> None:
            if "/runbooks/" in str((params or {}).get("body", "")):
                return  # the engine's own lease: not what the test is about
            attempts.append(operation)
            if len(attempts) <= times:
                error: Any = {"Error": {"Code": code, "Message": "as the test wants it"}}
                raise ClientError(error, operation.partition(".")[2])

        self.session.events.register(f"before-call.{operation}", fail)
        return attempts

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.on_sleep()
        self.live(seconds)

    def live(self, seconds: float) -> None:
        """The runtime serves and tells CloudWatch so, second by second."""
        turned = parse(self.controls).active(self.time).haiku_threshold
        earlier = self.throttled_share > (turned.value if turned else 0.05)
        sonnet = self.calls_a_second * (1 - self.simple_share * earlier)
        throttled = sonnet * self.throttled_share
        haiku = self.calls_a_second - sonnet + throttled
        data = []
        for _ in range(round(seconds) if self.calls_a_second else 0):
            data += [
                self._datum("ModelThrottled", throttled, sonnet, Rung="sonnet"),
                self._datum("Failed", self.unanswered, self.calls_a_second),
                self._datum("Messages", self.calls_a_second, self.calls_a_second),
            ]
            if haiku:
                data.append(self._datum("ModelFailed", haiku * self.haiku_failed_share, haiku, Rung="haiku"))
            self.time += timedelta(seconds=1)
        if data:
            self.cloudwatch.put_metric_data(Namespace="Concierge", MetricData=data)
        else:
            self.time += timedelta(seconds=seconds)

    def _datum(self, metric: str, total: float, samples: float, **dimensions: str) -> Any:
        named = {"Environment": "dev", **dimensions}
        return {
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in named.items()],
            "Timestamp": self.time,
            "StatisticValues": {"Sum": total, "SampleCount": samples, "Minimum": 0, "Maximum": 1},
            "StorageResolution": 1,
        }
