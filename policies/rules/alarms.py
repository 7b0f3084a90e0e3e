"""Alarms that somebody hears, that mean something, and that say what to do (OPS-2)."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from contract.runbooks import catalogue
from policies.rule import Faults, among, each
from policies.rules.compute import FLEET
from policies.view import UNKNOWN, Node, View, dig, known

_METRIC, _COMPOSITE = "cloudwatch.MetricAlarm", "cloudwatch.CompositeAlarm"
_MISSING = {"missing", "ignore", "breaching", "notBreaching"}
_RUN = re.compile(r"concierge runbook run ([a-z][a-z0-9-]*)")
_DAY_S, _WEEK_S, _HOUR_S = 86_400, 604_800, 3_600


@cache
def _alarmed() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(resources.files(__package__).joinpath("alarmed.toml").read_text(encoding="utf-8"))


@among(
    "alarm-acts",
    "OPS-2",
    _METRIC,
    _COMPOSITE,
    why="An alarm that tells nobody is a graph.",
    fix="declare it as data (contract.alarms.Alarm): components/alarms.py gives it the topic of its severity",
)
def alarm_acts(alarm: Node, view: View) -> Faults:
    """An alarm tells a topic of its region, unless something else listens to it: a rollout, a composite."""
    if alarm.get("actionsEnabled") is False:
        yield "its actions are switched off"
    actions = alarm.raw("alarmActions")
    if not actions and _called(alarm) not in _heard(alarm.region, view):
        yield "it tells nobody"
    topics = view.named_by(alarm, "alarmActions", "sns.Topic")
    if any(topic.region != alarm.region for topic in topics):
        yield "its topic is in another region, where CloudWatch does not publish"
    told = actions if isinstance(actions, list | tuple) else ()
    elsewhere = [arn for arn in told if isinstance(arn, str) and ":sns:" in arn and not topics]
    yield from (f"{arn.rpartition(':')[2]} is no topic of this stack" for arn in elsewhere)


def _called(alarm: Node) -> Any:
    return alarm.get("alarmName" if alarm.short == _COMPOSITE else "name")


def _heard(region: str | None, view: View) -> set[Any]:
    """Names of alarms that rollouts and composites listen to."""
    names: set[Any] = set()
    for service in view.of("ecs.Service"):
        if service.region == region:
            names.update(service.list("alarms.alarmNames"))
    for endpoint in view.of("sagemaker.Endpoint"):
        found = endpoint.list("deploymentConfig.autoRollbackConfiguration.alarms")
        names.update(dig(alarm, "alarmName") for alarm in found)
    for stack in view.of("cloudformation.Stack"):
        names.update(known(value) for value in (stack.get("parameters") or {}).values())
    for composite in view.of(_COMPOSITE):
        if composite.region == region:
            names.update(re.findall(r'ALARM\("?([^")]+)"?\)', str(composite.get("alarmRule"))))
            names.add(known(dig(composite.get("actionsSuppressor"), "alarm")))
    return names


@each(
    "alarm-decides",
    "OPS-2",
    _METRIC,
    why="By default an alarm without data says nothing: a service that is gone looks like one that is fine.",
    fix="set treat_missing_data: breaching where silence is a fault, notBreaching where it is none",
)
def alarm_decides(alarm: Node) -> Faults:
    """An alarm says what missing data means, and can be reached within what CloudWatch looks back."""
    if alarm.get("treatMissingData") not in _MISSING:
        yield "it does not say what missing data means"
    of = alarm.get("evaluationPeriods") or 1
    if (alarm.get("datapointsToAlarm") or of) > of:
        yield f"{alarm.get('datapointsToAlarm'):g} of {of:g} periods can never breach"
    period = _period(alarm)
    if period * of > (_DAY_S if period < _HOUR_S else _WEEK_S):
        yield "it looks further back than CloudWatch does"


def _period(alarm: Node) -> float:
    """Its own, or that of the metrics of its expression."""
    asked = [dig(query, "metric.period") for query in alarm.list("metricQueries")]
    return float(alarm.get("period") or max((each for each in asked if each), default=60))


@among(
    "alarm-runbook",
    "OPS-4",
    _METRIC,
    _COMPOSITE,
    why="At 3 a.m. an alarm without a script is a riddle.",
    fix="a runbook of contract/runbooks.toml; the description says `concierge runbook run ID`",
)
def alarm_runbook(alarm: Node, view: View) -> Faults:
    """An alarm that tells people names a runbook that exists, in its tag and in the words they get."""
    if view.named_by(alarm, "alarmActions", "appautoscaling.Policy"):
        return
    tag = (alarm.get("tags") or {}).get("Runbook")
    said = _RUN.search(str(alarm.get("alarmDescription")))
    if tag not in catalogue():
        yield f"{tag!r} is no runbook" if tag else "it names no runbook"
    elif said is None:
        yield "its description does not say which runbook to run"
    elif said.group(1) != tag:
        yield f"its description says {said.group(1)}, its tag {tag}"


@among(
    "alarm-coverage",
    "OPS-2",
    *_alarmed(),
    why="What nobody watches is found broken by customers.",
    fix="the component declares it in alarms(); the region's Alarms component must be given the component",
)
def alarm_coverage(node: Node, view: View) -> Faults:
    """Whatever serves customers or keeps their data has an alarm of its own metrics."""
    if node.within(FLEET) or _serves_nothing(node):
        return
    row = _alarmed()[node.short]
    names = {str(node.get(row["by"]))} if "by" in row else set(node.identities)
    metrics = _by_namespace(view)
    for end, space in row.get("instead", {}).items():
        if any(name.endswith(end) for name in names) and metrics.get((node.region, space)):
            return
    for space in row["namespaces"]:
        if any(_watches(*found, node, names) for found in metrics.get((node.region, space), ())):
            return
    yield f"no alarm looks at its metrics in {' or '.join(row['namespaces'])}"


@among(
    "connections-alarmed",
    "NET-5",
    "apigatewayv2.Api",
    why="Raising the quota of new connections takes AWS days: at the limit, customers are already refused.",
    fix="components/gateway_ws_watches.py declares it, at 80 % of the quota",
)
def connections_alarmed(api: Node, view: View) -> Faults:
    """New connections of a WebSocket API are watched against their quota."""
    watching = _by_namespace(view).get((api.region, "AWS/ApiGateway"), ())
    counted = [
        alarm
        for alarm, dimensions in watching
        if alarm.get("metricName") == "ConnectCount" and _watches(alarm, dimensions, api, set(api.identities))
    ]
    if api.get("protocolType") == "WEBSOCKET" and not counted:
        yield "nobody is told before new connections reach their quota"


def _serves_nothing(node: Node) -> bool:
    """A service whose image is not built yet, and a CloudFormation stack that holds no endpoint."""
    if node.short == "ecs.Service":
        return bool(node.get("desiredCount") == 0)
    return node.short == "cloudformation.Stack" and not node.get("parameters.Endpoint")


def _watches(alarm: Node, dimensions: Mapping[str, Any], node: Node, names: set[str]) -> bool:
    for value in dimensions.values():
        if value is UNKNOWN:
            if node.urn in (*alarm.links.get("dimensions", ()), *alarm.links.get("metricQueries", ())):
                return True
        elif any(_same(str(known(value)), name) for name in names):
            return True
    return False


_Metrics = Mapping[tuple[str | None, Any], list[tuple[Node, Mapping[str, Any]]]]


@lru_cache(maxsize=1)
def _by_namespace(view: View) -> _Metrics:
    """Region and namespace -> every alarm there that tells people, with the dimensions it looks at."""
    found: dict[tuple[str | None, Any], list[tuple[Node, Mapping[str, Any]]]] = {}
    for alarm in view.of(_METRIC):
        if not view.named_by(alarm, "alarmActions", "sns.Topic"):
            continue
        for namespace, dimensions in _metrics(alarm):
            found.setdefault((alarm.region, namespace), []).append((alarm, dimensions))
    return found


def _metrics(alarm: Node) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Namespace and dimensions of each metric it looks at."""
    queries = [dig(query, "metric") for query in alarm.list("metricQueries")]
    for metric in [alarm.inputs, *(query for query in queries if query)]:
        dimensions = dig(metric, "dimensions")
        yield dig(metric, "namespace"), dimensions if isinstance(dimensions, Mapping) else {}


def _same(value: str, name: str) -> bool:
    """The name itself, a node of it (`cache-001`), or the end of an ARN, as balancers have it."""
    if value == name or name.endswith(f"/{value}"):
        return True
    base, _, number = value.rpartition("-")
    return base == name and len(number) == 3 and number.isdigit()


@among(
    "topic-heard",
    "OPS-2",
    "sns.Topic",
    why="Alarms that arrive at a topic without a subscriber arrive nowhere.",
    fix="set notices.pager_url (as a secret) and notices.ticket_email",
    protected="advisory",
    elsewhere="advisory",
)
def topic_heard(topic: Node, view: View) -> Faults:
    """Somebody listens on every topic of alarms."""
    told = any(
        topic in view.named_by(alarm, "alarmActions", "sns.Topic") for alarm in view.of(_METRIC, _COMPOSITE)
    )
    if told and not view.naming(topic, "topic", "sns.TopicSubscription"):
        yield "nobody listens to it"


RULES = (alarm_acts, alarm_decides, alarm_runbook, alarm_coverage, connections_alarmed, topic_heard)
