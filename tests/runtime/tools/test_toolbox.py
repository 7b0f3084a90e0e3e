"""The one door of all tools: who may, what is wrong with an input, what was late, what the audit reads."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contract.people import Person, guest
from contract.runtime_settings import ToolsSettings
from runtime.downstream import ProviderError, Why
from runtime.measures import Measures
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.tools.carting import Add
from runtime.tools.shapes import Noted, Nothing
from runtime.tools.tool import READ, Caller, Code, Tool, ToolError
from runtime.tools.toolbox import Result, Toolbox

CUSTOMER = Caller(Person("user", "c-1"), "s-1", key="k")
SETTINGS = ToolsSettings()


class Box:
    """Tools that do what they are called, and what was written about it."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        telemetry = Telemetry("test", wall, lambda line: self.lines.append(json.loads(line)))
        self.telemetry = telemetry
        now = asyncio.get_running_loop().time
        tools = [
            Tool("works", "", Nothing, Noted, _works),
            Tool("adds", "", Add, Noted, _works, "write"),
            Tool("mine", "", Nothing, Noted, _works, signed_in=True),
            Tool("sleeps", "", Nothing, Noted, _sleeps),
            Tool("pays", "", Nothing, Noted, _sleeps, "money"),
            Tool("breaks", "", Nothing, Noted, _breaks),
            *(Tool(why.value, "", Nothing, Noted, _away(why)) for why in Why),
            Tool("refuses", "", Nothing, Noted, _refuses),
        ]
        self.box = Toolbox(tools, SETTINGS, telemetry, Measures(telemetry), now)

    async def call(self, name: str, caller: Caller = CUSTOMER, **arguments: Any) -> Result:
        return await self.box.call(name, arguments, caller)


async def _works(*_: Any) -> Noted:
    return Noted(note="done")


async def _sleeps(*_: Any) -> Noted:
    await asyncio.sleep(SETTINGS.read_s + 1)
    return Noted(note="done")


async def _breaks(*_: Any) -> Noted:
    raise LookupError("secret inside")


async def _refuses(*_: Any) -> Noted:
    raise ToolError(Code.NOT_FOUND, "there is none")


def _away(why: Why) -> Any:
    async def run(*_: Any) -> Noted:
        raise ProviderError("pricing", why, "sold_out")

    return run


def wall() -> datetime:
    return datetime(2026, 11, 27, 12, tzinfo=UTC)


def in_box(scene: Any) -> None:
    async def main() -> None:
        await scene(Box())

    loop.run(main())


@pytest.mark.parametrize(
    ("tool", "caller", "arguments", "code"),
    [
        ("works", CUSTOMER, {}, None),
        ("nothing", CUSTOMER, {}, Code.UNKNOWN),
        ("works", CUSTOMER, {"more": 1}, Code.INVALID),
        ("adds", CUSTOMER, {"asin": "B085URPH9L"}, None),
        ("adds", CUSTOMER, {"asin": "B085URPH9L", "quantity": 100}, Code.INVALID),
        ("adds", Caller(CUSTOMER.person, "s-1"), {"asin": "B085URPH9L"}, Code.INVALID),
        ("adds", Caller(CUSTOMER.person, "s-1", key="k" * 200), {"asin": "B085URPH9L"}, Code.INVALID),
        ("adds", Caller(CUSTOMER.person, "s-1", frozenset({READ}), "k"), {}, Code.DENIED),
        ("works", Caller(CUSTOMER.person, "s-1", frozenset()), {}, Code.DENIED),
        ("mine", Caller(guest("g"), "s-1"), {}, Code.SIGN_IN),
        ("sleeps", CUSTOMER, {}, Code.LATE),
        ("pays", CUSTOMER, {}, None),  # money may take longer
        ("breaks", CUSTOMER, {}, Code.INTERNAL),
        ("refuses", CUSTOMER, {}, Code.NOT_FOUND),
        ("timeout", CUSTOMER, {}, Code.LATE),
        ("declined", CUSTOMER, {}, Code.DECLINED),
        ("unavailable", CUSTOMER, {}, Code.UNAVAILABLE),
        ("throttled", CUSTOMER, {}, Code.UNAVAILABLE),
    ],
)
def test_a_call_is_done_or_says_why_not(tool: str, caller: Caller, arguments: Any, code: Code | None):
    async def scene(box: Box) -> None:
        result = await box.call(tool, caller, **arguments)
        assert result.code == code
        assert result.failed == (code in {Code.LATE, Code.UNAVAILABLE, Code.INTERNAL})
        assert "secret" not in result.text

    in_box(scene)


def test_every_call_is_a_line_for_the_audit_without_its_input():
    async def scene(box: Box) -> None:
        await box.call("adds", asin="B085URPH9L")
        await box.call("works")
        await box.call("rm -rf /", asin="B085URPH9L")
        lines = [line for line in box.lines if line["message"] == "a tool was called"]
        said = [(line["tool"], line["customer"], line["key"], line["outcome"]) for line in lines]
        assert said == [
            ("adds", "c-1", "k", "done"),
            ("works", "c-1", None, "done"),
            ("unknown", "c-1", None, "unknown_tool"),
        ]
        assert "B085URPH9L" not in str(box.lines)

    in_box(scene)


def test_only_what_is_the_tools_own_fault_counts_as_failed():
    async def scene(box: Box) -> None:
        for tool in ("works", "refuses", "breaks", "sleeps"):
            await box.call(tool)
        box.telemetry.flush()
        failed = {line["Tool"]: line["ToolFailed"] for line in box.lines if "ToolFailed" in line}
        assert failed == {"works": [0], "refuses": [0], "breaks": [1], "sleeps": [1]}

    in_box(scene)


def test_a_model_reads_amounts_as_people_say_them():
    data = {
        "total_cents": 8_999,
        "items": [{"price_cents": 700, "quantity": 2}],
        "note": "x",
        "left_cents": None,
    }
    said = json.loads(Result(data).text)
    assert said == {"total": 89.99, "items": [{"price": 7.0, "quantity": 2}], "note": "x", "left": None}
