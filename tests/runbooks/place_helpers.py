"""A whole environment for a runbook to work in: prod's own names, moto behind them, and metrics that follow.

`Place.live` lets time pass: each minute every metric that the runbook looks at is published, near its limit
but within it (the decoys), unless the incident shows otherwise. What an incident shows may depend on what
stands in moto, so that a fix that works is seen to work.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

from contract.controls import parse
from contract.inventory import Inventory
from contract.logs import Line
from contract.runtime_settings import RuntimeSettings
from runbooks.engine import Aws, Pace, Runbook, Watch, World
from runbooks.engine.watch import Measured
from tests.runbooks.session_helpers import client_of, session_of

PRIMARY, STANDBY = "us-east-1", "us-west-2"
DIGEST = f"sha256:{'a1' * 32}"
# prod, with everything that it may have and that a runbook could ask for.
CHANGES = {
    "agent.image_digest": DIGEST,
    **{f"inference.{name}.image_digest": DIGEST for name in ("intent", "embed", "rerank")},
    **{f"inference.{name}.artifact": f"{name}/1/model.tar.gz" for name in ("intent", "embed", "rerank")},
    "delivery.enabled": "true",
    "delivery.repository": "shop/concierge",
    "delivery.first": '{stack: dev, role_arn: "arn:aws:iam::111111111111:role/deployer"}',
    "delivery.last": '{stack: prod, role_arn: "arn:aws:iam::222222222222:role/deployer"}',
    "delivery.state_url": "s3://state",
    "delivery.repositories": '["arn:aws:ecr:us-east-1:111111111111:repository/concierge-dev-agent"]',
    "delivery.cli_image": f"pulumi/pulumi-python@{DIGEST}",
}
# Metric and subject, such as "TimeToFirstToken sonnet" -> its value of this minute.
Shown = Mapping[str, float]
WRITE_CODE = "AccessDeniedException"
_LOOKING = ("get_", "list_", "describe_", "head_", "filter_", "lookup_", "query")


class Said(NamedTuple):
    """So many log lines of a kind in a minute."""

    service: str
    line: Line
    who: str
    times: int


class KilledError(BaseException):
    """The process was killed at this very call."""


@dataclass
class Place:
    """`broken`: whether the incident is on. `memory`: what an incident keeps beside moto."""

    inventory: Inventory
    session: boto3.Session = field(default_factory=lambda: session_of(PRIMARY))
    # moto stamps what it makes with the machine's time: the story begins there, and runs ahead of it.
    time: datetime = field(default_factory=lambda: datetime.now(UTC).replace(second=0, microsecond=0))
    broken: bool = False
    shows: Callable[["Place"], Shown] = lambda _: {}
    says: Callable[["Place"], Iterable[Said]] = lambda _: ()
    passes: Callable[["Place"], None] = lambda _: None
    memory: dict[Any, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    search_url: str | None = None
    _watches: list[Watch] = field(default_factory=list)
    _recording: bool = False
    _strike: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self.session.events.register("before-call.*", self.heard)
        for role, place in self.inventory.regions.items():
            ssm = self.client("ssm", role)
            ssm.put_parameter(Name=place.parameters["controls"], Value="{}", Type="String")
            settings = RuntimeSettings().model_dump_json()
            ssm.put_parameter(Name=place.parameters["settings"], Value=settings, Type="String")

    # --- what a runbook gets --------------------------------------------------------------------------

    def world(self, operator: str = "amira") -> World:
        return World(
            aws=Aws(self.session, PRIMARY, pause=lambda _: None),
            inventory=self.inventory,
            operator=operator,
            clock=self,
            pace=Pace(check_s=60, poll_s=20),
            inputs=self.inputs,
            search_url=self.search_url,
        )

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.live(seconds)

    # --- what stands ----------------------------------------------------------------------------------

    def client(self, service: str, role: str = "primary") -> Any:
        return client_of(service, self.inventory.regions[role].region)

    def name(self, kind: str, key: str, role: str = "primary") -> str:
        return str(getattr(self.inventory.regions[role], kind)[key])

    def rename(self, kind: str, key: str, value: str) -> None:
        """moto made up another id or ARN than the plan did."""
        primary = self.inventory.primary
        kinds = {**getattr(primary, kind), key: value}
        regions = {**self.inventory.regions, "primary": primary.model_copy(update={kind: kinds})}
        self.inventory = self.inventory.model_copy(update={"regions": regions})

    def once(self, build: Callable[["Place"], None]) -> None:
        """Builds a part of the estate unless it stands."""
        if build not in self.memory:
            self.memory[build] = True
            build(self)

    def control(self, name: str, role: str = "primary") -> Any:
        """A control that is in force."""
        text = self.client("ssm", role).get_parameter(Name=self.name("parameters", "controls", role))
        turned = getattr(parse(text["Parameter"]["Value"]).active(self.time), name)
        return turned.value if turned else None

    @property
    def controls(self) -> str:
        name = self.name("parameters", "controls")
        return str(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])

    # --- time -----------------------------------------------------------------------------------------

    def watch(self, runbook: Runbook) -> None:
        """Publishes what this runbook looks at from now on."""
        measured = runbook.verify.measure
        looked_at = [check for check in runbook.diagnose.values() if isinstance(check, Watch)]
        looked_at += [measured.watch] if isinstance(measured, Measured) else []
        self._watches = list({(w.metric, w.what, w.role): w for w in looked_at}.values())

    def live(self, seconds: float) -> None:
        """Time passes; whole minutes are published."""
        end = self.time + timedelta(seconds=seconds)
        while self.time < end:
            next_minute = self.time.replace(second=0, microsecond=0) + timedelta(minutes=1)
            if next_minute <= end:
                self._publish(next_minute - timedelta(minutes=1))
            self.time = min(next_minute, end)

    def _publish(self, minute: datetime) -> None:
        self.passes(self)
        shown = self.shows(self) if self.broken else {}
        for said in self.says(self):
            self._log(said, minute)
        by_place: dict[tuple[str, str], dict[str, Any]] = {}
        for watch in self._watches:
            role = watch.role or "primary"
            for subject, dimensions in watch.of(self.world().at(role)).items():
                value = _value(watch, subject, shown)
                if value is None:
                    continue
                for metric, amount in _amounts(watch, value):
                    datum = {
                        "MetricName": metric,
                        "Dimensions": [{"Name": name, "Value": text} for name, text in dimensions.items()],
                        "Timestamp": minute,
                        "Value": amount,
                    }
                    by_place.setdefault((role, watch.namespace), {})[
                        f"{metric} {sorted(dimensions.items())}"
                    ] = datum
        for (role, namespace), data in by_place.items():
            cloudwatch = self.client("cloudwatch", role)
            rows = list(data.values())
            for start in range(0, len(rows), 100):
                cloudwatch.put_metric_data(Namespace=namespace, MetricData=rows[start : start + 100])

    def _log(self, said: Said, minute: datetime) -> None:
        logs, group = self.client("logs"), self.name("logs", said.service)
        if group not in self.memory:
            self.memory[group] = True
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName="tasks")
        message = json.dumps({"level": "error", "message": said.line.message, said.line.by: said.who})
        at = int(minute.timestamp() * 1000)
        events = [{"timestamp": at, "message": message}] * said.times
        logs.put_log_events(logGroupName=group, logStreamName="tasks", logEvents=events)

    # --- what is heard and struck ---------------------------------------------------------------------

    def heard(self, model: Any, params: Any, **_: Any) -> None:
        if "/runbooks/" in str(params.get("body", "")) and "concierge" in str(params.get("body", "")):
            return  # the engine's own lease
        call = f"{model.service_model.service_name}.{xform_name(model.name)}"
        self.calls.append(call)
        self._strike(call)

    def strike(self, at: int, error: BaseException, book: Runbook) -> Callable[[], bool]:
        """The change number `at` from now fails, once; looking does not count. Tells whether it did."""
        looking = {call for call in book.calls if call.partition(".")[2].startswith(_LOOKING)}
        seen = [0]

        def fail(call: str) -> None:
            if call in looking:
                return
            seen[0] += 1
            if seen[0] == at + 1:
                raise error

        self._strike = fail
        return lambda: seen[0] > at

    def heal(self) -> None:
        self._strike = lambda _: None

    def snapshot(self, runbook: Runbook, findings: Any) -> dict[str, Any]:
        """Everything its steps could change, and all parameters."""
        found: dict[str, Any] = {}
        for role in self.inventory.regions:
            rows = self.client("ssm", role).get_parameters_by_path(Path="/concierge", Recursive=True)[
                "Parameters"
            ]
            found |= {f"{role} {row['Name']}": row["Value"] for row in rows}
        world = self.world().seeing(findings)
        for step in runbook.steps.values():
            if (present := getattr(step, "present", None)) is not None:
                found |= {f"{step.name} {s}": present(world, s) for s in step.subjects(world)}  # type: ignore[attr-defined]
            if (done := getattr(step, "done", None)) is not None:
                found |= {f"{step.name} {s}": done(world, s) for s in step.subjects(world)}  # type: ignore[attr-defined]
        return found


def _value(watch: Watch, subject: str, shown: Shown) -> float | None:
    """What the incident shows, or a value that is as near to the limit as a healthy one gets."""
    where = f" @{watch.role}" if watch.role else ""
    key = f"{watch.metric} {subject}{where}"
    if key in shown:
        return shown[key]
    if watch.silent is False:
        return None
    return watch.limit * 1.2 if watch.below else watch.limit * 0.8


def _amounts(watch: Watch, value: float) -> Iterator[tuple[str, float]]:
    if watch.over is None:
        yield watch.metric, value
    else:
        yield watch.over, 1000.0
        yield watch.metric, 1000.0 * value


def refused(operation: str = "Operation") -> ClientError:
    error: Any = {"Error": {"Code": WRITE_CODE, "Message": "as the test wants it"}}
    return ClientError(error, operation)


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One incident in this world. `stands`: parts of the estate it needs; `breaks`: what happens to them.

    `reversible`: whether undo brings back what was before. `inputs`: what the operator has to say.
    """

    runbook: str
    shows: Callable[[Place], Shown] = lambda _: {}
    stands: tuple[Callable[[Place], None], ...] = ()
    breaks: Callable[[Place], None] = lambda _: None
    inputs: Mapping[str, str] = field(default_factory=dict)
    says: Callable[[Place], Iterable[Said]] = lambda _: ()
    passes: Callable[[Place], None] = lambda _: None
    phased: bool = False  # each apply takes a further step
    reversible: bool = True
    others: tuple[str, ...] = ()  # in which it must not act; none named: any

    def stand(self, place: Place) -> None:
        place.says = self.says
        for build in self.stands:
            place.once(build)

    def strike(self, place: Place) -> None:
        place.broken = True
        place.shows, place.says, place.passes = self.shows, self.says, self.passes
        self.breaks(place)
