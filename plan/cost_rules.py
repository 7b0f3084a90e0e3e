"""Which prices a resource pays, and how many units of each the plan already declares.

The rules are data (`cost.toml`); what data cannot say (how many subnets an endpoint stands in, where a table
is replicated) is a small named function here. No dollars in this module: they are in the price table.
"""

import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract import prices
from contract.errors import WrongUseError
from plan.model import Plan, Resource

FILE = Path(__file__).with_name("cost.toml")
UNSET = "unset"
_FAST = 60  # seconds; an alarm that looks more often is a high-resolution one
_BANDS = 2  # an anomaly band adds its upper and its lower edge to the metrics of an alarm


class RuleError(WrongUseError):
    """The rules cannot be used; the message names the rule and the fix."""


class Charge(BaseModel):
    """One price a resource pays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: str
    count: str | None = None
    at: str = "own"


class Rule(BaseModel):
    """What resources of these types and settings pay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: tuple[str, ...] = Field(min_length=1)
    when: Mapping[str, tuple[str | bool | int, ...]] = {}
    charges: tuple[Charge, ...] = Field(min_length=1)

    def fits(self, resource: Resource) -> bool:
        return resource.type in self.types and all(
            resource.inputs.get(name, UNSET) in allowed for name, allowed in self.when.items()
        )


class Rules(NamedTuple):
    """All rules, in the order of the file."""

    rules: tuple[Rule, ...]

    def knows(self, token: str) -> bool:
        return any(token in rule.types for rule in self.rules)

    def charges(self, resource: Resource) -> tuple[Charge, ...]:
        """What this resource pays; empty where no rule fits it."""
        return next((rule.charges for rule in self.rules if rule.fits(resource)), ())


def _subnets(_: Plan, endpoint: Resource) -> int | None:
    """An interface endpoint is charged in each zone, and has one subnet in a zone."""
    return len(endpoint.inputs.get("subnetIds", ())) or None


def _alarm_metrics(alarm: Resource) -> int | None:
    """Metrics an alarm watches. A query picks its own, as many as there happen to be."""
    queries: Iterable[Mapping[str, Any]] = alarm.inputs.get("metricQueries", ())
    expressions = [str(query.get("expression", "")) for query in queries]
    if any(expression.lstrip().upper().startswith("SELECT") for expression in expressions):
        return None
    bands = sum("ANOMALY_DETECTION_BAND" in expression for expression in expressions)
    named = sum("metric" in query for query in queries) if queries else 1
    return named + _BANDS * bands


def _is_fast(alarm: Resource) -> bool:
    queries: Iterable[Mapping[str, Any]] = alarm.inputs.get("metricQueries", ())
    asked = (alarm.inputs, *queries, *(query.get("metric", {}) for query in queries))
    periods = (part.get("period") for part in asked)
    return any(period is not None and period < _FAST for period in periods)


Count = Callable[[Plan, Resource], int | None]
# How many of it the plan declares; 0: it does not pay this price; None: cannot be told from the plan.
COUNTS: Mapping[str, Count] = {
    "one": lambda _plan, _resource: 1,
    "subnets": _subnets,
    "standard_alarm_metrics": lambda _, alarm: 0 if _is_fast(alarm) else _alarm_metrics(alarm),
    "fast_alarm_metrics": lambda _, alarm: _alarm_metrics(alarm) if _is_fast(alarm) else 0,
}


def _has_flow_logs(plan: Plan, group: Resource) -> bool:
    return any(writer.type == "aws:ec2/flowLog:FlowLog" for writer in plan.dependents(group.urn))


def _replicas(table: Resource) -> tuple[str, ...]:
    return tuple(replica["regionName"] for replica in table.inputs.get("replicas", ()))


def _all(_: Plan, table: Resource) -> tuple[str | None, ...]:
    return (table.region, *_replicas(table))


def _recoverable(_: Plan, table: Resource) -> tuple[str | None, ...]:
    """Regions that keep a table's past: each copy says so for itself."""
    own = (table.region,) if table.inputs.get("pointInTimeRecovery", {}).get("enabled") else ()
    replicas = (r for r in table.inputs.get("replicas", ()) if r.get("pointInTimeRecovery"))
    return (*own, *(replica["regionName"] for replica in replicas))


Places = Callable[[Plan, Resource], tuple[str | None, ...]]
# In which regions it pays this price; none: it does not pay it.
PLACES: Mapping[str, Places] = {
    "own": lambda _, resource: (resource.region,),
    "own_unless_flow_logs": lambda plan, group: () if _has_flow_logs(plan, group) else (group.region,),
    "own_if_alone": lambda _, table: () if _replicas(table) else (table.region,),
    "all_if_replicated": lambda plan, table: _all(plan, table) if _replicas(table) else (),
    "all": _all,
    "recoverable": _recoverable,
}


@cache
def rules() -> Rules:
    """The rules of this checkout."""
    return load(FILE)


def load(path: Path) -> Rules:
    """Reads the rules and checks every name in them."""
    name = f"{path.parent.name}/{path.name}"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise RuleError(f"{name}: cannot be read: {broken}") from None
    found = tuple(_rule(f"{name}: rule {n}", rule) for n, rule in enumerate(document.pop("rule", ()), 1))
    if document:
        raise RuleError(f"{name}: unknown key {', '.join(document)}: a file of rules has only [[rule]]")
    for rule in found:
        for charge in rule.charges:
            _check(name, rule, charge)
    return Rules(found)


def _rule(place: str, fields: Any) -> Rule:
    try:
        return Rule.model_validate(fields)
    except ValidationError as invalid:
        faults = (f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in invalid.errors())
        raise RuleError("\n".join(f"{place}: {fault}" for fault in faults)) from None


def _check(file: str, rule: Rule, charge: Charge) -> None:
    named = (
        ("price", charge.price, prices.table().rows),
        ("count", charge.count, COUNTS),
        ("at", charge.at, PLACES),
    )
    for key, word, known in named:
        if word is not None and word not in known:
            close = difflib.get_close_matches(word, list(known), n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(known))}"
            raise RuleError(f"{file}: rule for {rule.types[0]}: there is no {key} {word!r}: {hint}")
