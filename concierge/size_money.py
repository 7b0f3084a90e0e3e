"""What `concierge size cost` prints: a message, a conversation, a day, and what a setting changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from concierge.planning import known_plan_of
from concierge.size_tables import dollars, share, table

if TYPE_CHECKING:
    from concierge.output import Renderable
    from sizing.bill import Bill, Change
    from sizing.capacity import Need
    from sizing.case import Case
    from sizing.cost import Bought, PerMessage

SMALL = 0.0001  # of the bill: parts below it are shown as one


@dataclass(frozen=True)
class EventCost:
    """What an event adds to the bill, with the events that it lies in already there."""

    name: str
    messages: float
    usd: float


@dataclass(frozen=True)
class Costs:
    """The bill of the case's traffic, with the units that save most; with those held; with none; and of the
    same with settings changed. `below`: changed settings that carry less than the traffic needs."""

    bill: "Bill"
    held: "Bill"
    on_demand: "Bill"
    each: "PerMessage"
    events: Sequence[EventCost]
    changes: Mapping[str, str]
    after: "Bill | None"
    below: Sequence["Need"]


def costs(case: "Case", changes: Mapping[str, str]) -> Costs:
    """Plans the stack for what it declares; with changes, once more."""
    from sizing import cost
    from sizing.cost import Bought

    estimate = _estimate(case.stack, {})

    def bill(case: "Case", bought: "Bought") -> "Bill":
        return cost.bill(case.demand, case.settings, case.known, bought, case.region, estimate)

    whole, after, below = bill(case, case.bought), None, list["Need"]()
    events = _events(case, lambda other: bill(other, case.bought))
    held, on_demand = bill(case, case.held), bill(case, Bought({}, case.quotes))
    if changes:
        other = case.changed(changes)
        estimate = _estimate(case.stack, changes)
        after = bill(other, other.bought)
        below = [need for need in other.needs if need.key in changes and need.change]
    each = cost.per_message(case.demand, whole)
    return Costs(whole, held, on_demand, each, events, changes, after, below)


def _events(case: "Case", bill: "Callable[[Case], Bill]") -> Sequence[EventCost]:
    """The longest first: one within another is counted on top of it, and together they are the difference."""
    found: dict[str, EventCost] = {}
    before = replace(case, events=())
    for event in sorted(case.events, key=lambda event: event.first - event.last):
        now = replace(before, events=(*before.events, event))
        more = float(now.demand.messages.sum() - before.demand.messages.sum())
        found[event.name] = EventCost(event.name, more, bill(now).usd - bill(before).usd)
        before = now
    return [found[event.name] for event in case.events]


def _estimate(stack: str, changes: Mapping[str, str]) -> Any:
    import plan
    from plan import cost

    return cost.estimate(plan.run(stack, changes=changes) if changes else known_plan_of(stack))


def cost_facts(case: "Case", found: Costs) -> dict[str, Any]:
    """As a document."""
    days = case.demand.traffic.days
    return {
        "messages": float(case.demand.messages.sum()),
        "usd": found.bill.usd,
        "usd_a_day": found.bill.usd / days,
        "usd_a_day_on_demand": found.on_demand.usd / days,
        "usd_a_day_with_units_held": found.held.usd / days,
        "units": {model: asdict(option) for model, option in case.bought.options.items()},
        "per_message": asdict(found.each),
        "events": [asdict(event) for event in found.events],
        "lines": [asdict(line) for line in found.bill.lines],
        "what_if": found.after and _what_if_facts(found, found.after, days),
    }


def _what_if_facts(found: Costs, after: "Bill", days: float) -> dict[str, Any]:
    from sizing.bill import compared

    return {
        "changes": found.changes,
        "usd_a_day_after": after.usd / days,
        "parts": [
            {
                "part": change.part,
                "usd_a_day_before": change.before / days,
                "usd_a_day_after": change.after / days,
                "usd_a_day_more": None if change.usd is None else change.usd / days,
                "unknown": [f"{line.what} ({line.source})" for line in change.unknown],
            }
            for change in compared(found.bill, after)
        ],
        "below_what_is_needed": [asdict(need) for need in found.below],
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
    whole = f"{count:,.0f} messages in {days:.3g} days: {a_day} a day"
    if days < 1:
        whole = f"{count:,.0f} messages in {days * 24 * 60:.3g} minutes: {dollars(found.bill.usd)}"
    lines = [
        f"{whole}, {dollars(each.usd)} a message",
        f"{dollars(each.resolved_usd)} a resolved conversation of {talk.turns:g} messages",
        f"breaks even when it keeps {kept} of conversations from a person at {dollars(talk.human_usd)}",
        *_purchase(case, found, count),
    ]
    shown: list[Renderable] = ["\n".join(lines), parts, tiers, intents]
    shown += [
        f"event {event.name}: {event.messages:,.0f} more messages, {dollars(event.usd)} more"
        for event in found.events
    ]
    if each.unknown:
        shown.append("\n".join(["Unknown, not counted:", *(f"- {line}" for line in each.unknown)]))
    return [*shown, *_what_if(found, days)]


def _shown(bill: "Bill") -> Mapping[str, float]:
    """Small parts as one."""
    found = bill.by_part()
    large = {part: usd for part, usd in found.items() if usd >= SMALL * bill.usd}
    return {**large, f"{len(found) - len(large)} smaller parts": bill.usd - sum(large.values())}


def _purchase(case: "Case", found: Costs, count: float) -> Sequence[str]:
    """On what the figures rest that nobody has bought yet."""
    lines = []
    for model, option in case.bought.options.items():
        quote = case.quotes[model]
        held = case.held.options.get(model)
        if quote is None or (held is not None and held.units == option.units):
            continue
        doubt = "" if quote.checked else f"; NOT CHECKED: {quote.source}"
        lines.append(
            f"with {option.units:,} units of {model} ({option.term}), which commit to "
            f"{dollars(option.bound_usd)} and are not held{doubt}"
        )
    if lines:
        a_message = found.on_demand.usd / count
        resolved = a_message / found.each.usd * found.each.resolved_usd
        lines.append(
            f"purely on demand: {dollars(found.on_demand.usd / case.demand.traffic.days)} a day, "
            f"{dollars(a_message)} a message, {dollars(resolved)} a resolved conversation"
        )
    return lines


def _what_if(found: Costs, days: float) -> "Sequence[Renderable]":
    from sizing.bill import compared

    if found.after is None:
        return []
    rows = table("part", ">a day before", ">after", ">difference a month")
    changed = [change for change in compared(found.bill, found.after) if change.usd != 0.0]
    for change in changed:
        rows.add_row(
            change.part,
            dollars(change.before / days),
            dollars(change.after / days) if change.usd is not None else "",
            dollars(change.usd / days * 365 / 12) if change.usd is not None else "unknown",
        )
    words = ", ".join(f"{key}={value}" for key, value in found.changes.items())
    below = [
        f"{need.key}: the traffic needs {need.needed:,g}"
        if isinstance(need.needed, float)
        else f"{need.key}: the traffic needs {need.needed}"
        for need in found.below
    ]
    return [f"with {words}: {_difference(changed, days)}", *([rows] if changed else []), *below]


def _difference(changed: "Sequence[Change]", days: float) -> str:
    """In a sentence."""
    if not changed:
        return (
            "no line of the bill follows it; if it changes calls, tokens or answers, say so with --assume "
            "(docs/capacity.md)"
        )
    unknown = [f"{change.part}, {line.source}" for change in changed for line in change.unknown]
    known = [change.usd for change in changed if change.usd is not None]
    words = []
    if known:
        month = sum(known) / days * 365 / 12
        words.append(f"{dollars(abs(month))} a month {'more' if month >= 0 else 'less'}")
    if unknown:
        words.append(f"unknown: {'; '.join(dict.fromkeys(unknown))}")
    return "; ".join(words)
