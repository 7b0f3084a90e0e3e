"""What `concierge size cost` prints: a message, a conversation, a day, and what a setting changes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from concierge.planning import known_plan_of
from concierge.size_tables import dollars, share, table

if TYPE_CHECKING:
    from concierge.output import Renderable
    from sizing.bill import Bill
    from sizing.case import Case
    from sizing.cost import PerMessage

SMALL = 0.0001  # of the bill: parts below it are shown as one


@dataclass(frozen=True)
class Costs:
    """The bill of the case's traffic, and of the same with settings changed."""

    bill: "Bill"
    each: "PerMessage"
    changes: Mapping[str, str]
    after: "Bill | None"


def costs(case: "Case", changes: Mapping[str, str]) -> Costs:
    """Plans the stack for what it declares; with changes, once more."""
    from sizing import cost

    bill = cost.bill(
        case.demand, case.settings, case.known, case.bought, case.region, _estimate(case.stack, {})
    )
    after = None
    if changes:
        other = case.changed(changes)
        after = cost.bill(
            other.demand,
            other.settings,
            other.known,
            other.bought,
            other.region,
            _estimate(case.stack, changes),
        )
    return Costs(bill, cost.per_message(case.demand, bill), changes, after)


def _estimate(stack: str, changes: Mapping[str, str]) -> Any:
    import plan
    from plan import cost

    return cost.estimate(plan.run(stack, changes=changes) if changes else known_plan_of(stack))


def cost_facts(case: "Case", found: Costs) -> dict[str, Any]:
    """As a document."""
    from sizing.bill import compared

    days = case.demand.traffic.days
    return {
        "messages": float(case.demand.messages.sum()),
        "usd": found.bill.usd,
        "usd_a_day": found.bill.usd / days,
        "per_message": asdict(found.each),
        "lines": [asdict(line) for line in found.bill.lines],
        "what_if": found.changes
        and {
            "changes": found.changes,
            "usd_a_day_after": found.after.usd / days if found.after else None,
            "parts": [
                {"part": part, "usd_a_day_before": before / days, "usd_a_day_after": after / days}
                for part, before, after in compared(found.bill, found.after or found.bill)
            ],
        },
    }


def cost(case: "Case", found: Costs) -> "Sequence[Renderable]":
    """On a page."""
    days, each = case.demand.traffic.days, found.each
    count = float(case.demand.messages.sum())
    parts = table("part", ">a day", ">a message", ">share")
    for part, usd in _shown(found.bill).items():
        parts.add_row(part, dollars(usd / days), dollars(usd / count), share(usd / found.bill.usd))
    tiers = table("tier", ">of a message's cost")
    for tier, usd in each.by_tier.items():
        tiers.add_row(tier, dollars(usd))
    intents = table("intent", ">a message")
    for intent, usd in each.by_intent.items():
        intents.add_row(intent.value, dollars(usd))
    talk = case.assumed.conversation
    a_day, kept = dollars(found.bill.usd / days), f"{each.break_even:.2%}"
    lines = [
        f"{count:,.0f} messages in {days:.3g} days: {a_day} a day, {dollars(each.usd)} a message",
        f"{dollars(each.resolved_usd)} a resolved conversation of {talk.turns:g} messages",
        f"breaks even when it keeps {kept} of conversations from a person at {dollars(talk.human_usd)}",
    ]
    shown: list[Renderable] = ["\n".join(lines), parts, tiers, intents]
    shown += _events(case, found)
    if each.unknown:
        shown.append("\n".join(["Unknown, not counted:", *(f"- {line}" for line in each.unknown)]))
    return [*shown, *_what_if(found, days)]


def _shown(bill: "Bill") -> Mapping[str, float]:
    """Small parts as one."""
    found = bill.by_part()
    large = {part: usd for part, usd in found.items() if usd >= SMALL * bill.usd}
    return {**large, f"{len(found) - len(large)} smaller parts": bill.usd - sum(large.values())}


def _events(case: "Case", found: Costs) -> Sequence[str]:
    """What each event adds: its messages beyond an ordinary day, at what a message costs."""
    lines = []
    for event in case.events:
        span = slice(event.first, event.last)
        more = float(case.demand.messages[span].sum() - case.usual.messages[span].sum())
        lines.append(f"event {event.name}: {more:,.0f} more messages, {dollars(more * found.each.usd)}")
    return lines


def _what_if(found: Costs, days: float) -> "Sequence[Renderable]":
    from sizing.bill import compared

    if found.after is None:
        return []
    rows = table("part", ">a day before", ">after", ">difference a month")
    for part, before, after in compared(found.bill, found.after):
        if before != after:
            rows.add_row(
                part,
                dollars(before / days),
                dollars(after / days),
                dollars((after - before) / days * 365 / 12),
            )
    change = (found.after.usd - found.bill.usd) / days * 365 / 12
    words = ", ".join(f"{key}={value}" for key, value in found.changes.items())
    head = f"with {words}: {dollars(abs(change))} a month {'more' if change >= 0 else 'less'}"
    return [head, rows] if rows.row_count else [f"with {words}: the bill stays as it is"]
