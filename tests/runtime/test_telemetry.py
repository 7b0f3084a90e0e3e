"""The lines on stdout (RUN-18): JSON, each with its request id, metrics as the registry has them."""

import asyncio
import json
import logging
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import runtime
from contract.consumers import consumers
from contract.metrics import ENVIRONMENT, NAMESPACE, registry
from contract.runtime_settings import RuntimeSettings
from runtime.freshness import Freshness
from runtime.telemetry import LibraryLog, Telemetry, request
from runtime.testing import loop
from runtime.testing.desk import EPOCH, Desk
from runtime.testing.models import cut_after, says, throttled


@pytest.fixture
def lines():
    return []


@pytest.fixture
def telemetry(lines):
    return Telemetry("test", lambda: EPOCH, lambda line: lines.append(json.loads(line)))


async def a_bad_day(desk: Desk) -> Desk:
    """Answers of every tier, throttles, a breaker that opens and closes."""
    for number in range(4):
        await desk.ask(request_id=f"bad-{number}")
    await asyncio.sleep(6.0)
    for number in range(20):
        await desk.ask(request_id=f"good-{number}")
    return desk


@pytest.fixture
def desk(at_desk):
    sonnet = lambda call: throttled() if call < 3 else says("Sonnet")  # noqa: E731
    haiku = lambda call: cut_after("Hai") if call < 2 else says("Haiku")  # noqa: E731
    return at_desk(a_bad_day, {"sonnet": sonnet, "haiku": haiku}, RuntimeSettings())


def beside_messages() -> list[dict[str, Any]]:
    """What is told whether or not anybody asks anything."""
    lines: list[str] = []
    wall = lambda: datetime(2026, 12, 1, tzinfo=UTC)  # noqa: E731
    loop.run(Freshness(Telemetry("test", wall, lines.append), wall).tell())
    return [json.loads(line) for line in lines]


def test_the_age_of_every_contract_is_told():
    ages = {line["Provider"]: line["ContractAge"] for line in beside_messages()}
    assert ages == {name: one.age_days(date(2026, 12, 1)) for name, one in consumers().items()}


def test_every_metric_of_the_registry_is_emitted_under_exactly_its_dimension_sets(desk):
    seen: dict[str, set[Any]] = {}
    for line in (*desk.lines, *beside_messages()):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == NAMESPACE
            for metric in directive["Metrics"]:
                described = (tuple(map(tuple, directive["Dimensions"])), metric["Unit"])
                seen.setdefault(metric["Name"], set()).add(described)
                assert metric["StorageResolution"] == 1
    assert seen == {
        name: {(tuple((ENVIRONMENT, *dims) for dims in registry()[name].dimensions), registry()[name].unit)}
        for name in seen
    }
    assert {
        "Messages",
        "Failed",
        "FirstToken",
        "EndToEnd",
        "CostUsd",
        "BreakerOpen",
        "ModelFailed",
    } <= seen.keys()


def test_every_metric_of_the_registry_is_emitted_by_some_room():
    """Else alarms could watch what nobody publishes. The rooms' own tests show that each really comes."""
    said = "".join(path.read_text(encoding="utf-8") for path in Path(runtime.__path__[0]).rglob("*.py"))
    assert [name for name in registry() if f'"{name}"' not in said] == []


def test_every_named_metric_and_dimension_has_a_value_in_its_line(desk):
    for line in desk.lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for names in directive["Dimensions"]:
                assert all(isinstance(line[name], str) for name in names)
            for metric in directive["Metrics"]:
                assert isinstance(line[metric["Name"]], int | float)


def test_every_line_carries_the_id_of_the_message_it_is_about(desk):
    ids = {line["request_id"] for line in desk.lines}
    assert ids == {f"bad-{number}" for number in range(4)} | {f"good-{number}" for number in range(20)}


def test_lines_are_stamped_with_the_wall_clock(desk):
    first = desk.lines[0]["_aws"]["Timestamp"]
    assert first == int(EPOCH.timestamp() * 1_000)


def test_times_are_from_the_messages_arrival(at_desk):
    async def scene(desk: Desk) -> Any:
        await desk.ask()
        return desk

    desk = at_desk(scene, {"sonnet": says("Look ", "here", first_s=0.5, gap_s=0.25)})
    assert desk.values("FirstToken", Tier="T0") == [500.0]
    assert desk.values("EndToEnd", Tier="T0") == [1_000.0]
    assert desk.values("CostUsd", Tier="T0") == pytest.approx([100 * 3e-6 + 20 * 15e-6])
    assert desk.values("Messages", Tier="T0") == [1]


def test_no_text_of_a_customer_reaches_a_line(at_desk):
    async def scene(desk: Desk) -> Any:
        await desk.ask("My card number is secret-4111")
        return desk

    desk = at_desk(scene, {"sonnet": cut_after("secret-4111"), "haiku": says("secret-4111")})
    assert "4111" not in json.dumps(desk.lines)


@pytest.mark.parametrize(
    ("values", "dimensions"),
    [
        ({"Mesages": 1}, {}),
        ({"Failed": 1}, {"Tier": "T0"}),
        ({"Messages": 1}, {}),
        ({"ModelFailed": 1}, {"Rung": "sonnet", "Model": "sonnet"}),
    ],
    ids=["unknown metric", "dimension too many", "dimension missing", "unknown dimension"],
)
def test_what_is_not_in_the_registry_cannot_be_emitted(telemetry, values, dimensions):
    with pytest.raises(ValueError, match=next(iter(values))):
        telemetry.metrics(values, dimensions)


def test_a_log_line_says_when_where_how_bad_and_for_whom(telemetry, lines):
    with request("r7"):
        telemetry.log("warning", "something", rung="sonnet")
    telemetry.log("info", "nobody's")
    assert lines[0] == {
        "time": "2030-07-15T00:00:00.000+00:00",
        "level": "warning",
        "message": "something",
        "Environment": "test",
        "request_id": "r7",
        "rung": "sonnet",
    }
    assert lines[1]["request_id"] is None


def test_libraries_log_in_the_same_form(telemetry, lines):
    logger = logging.getLogger("somebody.else")
    logger.addHandler(handler := LibraryLog(telemetry))
    logger.propagate = False
    try:
        logger.info("chatter")
        logger.warning("watch %s", "out")
    finally:
        logger.removeHandler(handler)
    assert [(line["level"], line["message"], line["logger"]) for line in lines] == [
        ("warning", "watch out", "somebody.else")
    ]
