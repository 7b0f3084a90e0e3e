"""What `concierge size` prints of demand, units and capacity, as tables for people and as documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from concierge.planning import known_plan_of
from concierge.size_money import cost, cost_facts, costs
from concierge.size_played import compared, compared_facts, simulated, simulated_facts
from concierge.size_tables import dollars, share, table

if TYPE_CHECKING:
    from concierge.output import Renderable
    from sizing.case import Case
    from sizing.units import Option

__all__ = [
    "Checked", "capacity", "capacity_facts", "checked", "compared", "compared_facts", "cost", "cost_facts",
    "costs", "demand", "demand_facts", "pairs", "simulated", "simulated_facts", "units", "units_facts",
]  # fmt: skip


def pairs(texts: Sequence[str], option: str) -> Mapping[str, str]:
    """`KEY=VALUE` of each; `search.instance=r6g.xlarge` is how people say `search.node_type`."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            reason = f"{text!r}: write KEY=VALUE, such as search.node_type=r7g.xlarge.search"
            raise typer.BadParameter(reason, param_hint=option)
        if key == "search.instance":
            key, value = "search.node_type", f"{value.removesuffix('.search')}.search"
        found[key] = value
    return found


# -- demand ------------------------------------------------------------------------------------------------


def demand_facts(case: "Case") -> dict[str, Any]:
    """As a document: means and peaks, and every minute."""
    from sizing.demand import summary

    traffic = case.demand.traffic
    return {
        "source": traffic.source,
        "starts": traffic.start,
        "minutes": len(traffic.messages),
        "spread": traffic.spread,
        "summary": {
            name: {
                "mean": mean,
                "peak": peak,
                "peak_low": peak / traffic.spread,
                "peak_high": peak * traffic.spread,
            }
            for name, (mean, peak) in summary(case.demand).items()
        },
        "per_minute": {
            "messages": [round(float(value), 1) for value in case.demand.messages],
            **{
                f"{model}_{what}": [round(float(value)) for value in getattr(case.demand, what)(model)]
                for model in case.demand.models
                for what in ("calls", "input_tokens", "output_tokens")
            },
            "streams": [round(float(value), 1) for value in case.demand.streams],
            "sessions": [round(float(value)) for value in case.demand.sessions],
        },
    }


def demand(case: "Case") -> "Sequence[Renderable]":
    """On a page."""
    from sizing.demand import summary

    traffic = case.demand.traffic
    found = table("", ">mean", ">peak", ">peak, one in ten below", ">one in ten above")
    for name, (mean, peak) in summary(case.demand).items():
        found.add_row(
            name,
            f"{mean:,.0f}",
            f"{peak:,.0f}",
            f"{peak / traffic.spread:,.0f}",
            f"{peak * traffic.spread:,.0f}",
        )
    minutes = len(traffic.messages)
    since = f"{traffic.start:%Y-%m-%d %H:%M}Z"
    head = f"{traffic.source}: {minutes:,} minutes from {since}, spread x{traffic.spread:.2f}"
    return head, found, "Calls and tokens are those after routing and caches; --json has every minute."


# -- units -------------------------------------------------------------------------------------------------


def units_facts(case: "Case") -> dict[str, Any]:
    """As a document."""
    return {
        "percentile": case.percentile,
        "models": {
            model: {
                "quote": case.quotes.root[model].model_dump(mode="json"),
                "options": [_option(option) for option in options],
                "chosen": case.bought.options[model].term if model in case.bought.options else None,
                "sensitivity": [vars_of(one) for one in _sensitivity(case, model)],
                "review": vars_of(_review(case, model)),
            }
            for model, options in case.options.items()
        },
        "without_a_quote": [model for model in case.usual.models if case.quotes[model] is None],
        "events": [
            {
                "name": peak.name,
                "starts": peak.starts,
                "ends": peak.ends,
                "model": peak.model,
                "more_units": peak.units,
                "usd": peak.usd,
                "spared_usd": peak.spared_usd,
            }
            for peak in case.peaks
        ],
    }


def vars_of(found: Any) -> dict[str, Any]:
    """A dataclass as a document."""
    from dataclasses import asdict

    return asdict(found)


def _option(option: "Option") -> dict[str, Any]:
    return {**vars_of(option), "usd": option.usd, "saving": option.saving}


def units(case: "Case") -> "Sequence[Renderable]":
    """On a page."""
    parts: list[Renderable] = []
    for model, options in case.options.items():
        quote = case.quotes[model]
        if quote is None:
            continue
        found = table(
            "term",
            ">units",
            ">units a month",
            ">overflow",
            ">in all",
            ">saving",
            ">used",
            ">overflows",
            ">owed",
        )
        for option in options:
            best = "*" if case.bought.options.get(model) == option else ""
            found.add_row(
                f"{option.term}{best}",
                f"{option.units:,}",
                dollars(option.units_usd),
                dollars(option.overflow_usd),
                dollars(option.usd),
                share(option.saving),
                share(option.utilisation),
                share(option.overflow),
                dollars(option.bound_usd),
            )
        on_demand = dollars(options[0].on_demand_usd)
        parts += [
            f"{model}: P{case.percentile * 100:g} of the minutes; purely on demand {on_demand} a month",
            found,
            f"{'checked' if quote.checked else 'NOT CHECKED'}: {quote.source}",
        ]
        parts += _sensitivity_table(case, model)
        parts.append(f"weekly review: {_review(case, model).advice}")
    parts += [
        f"{model}: no quote, so nobody knows" for model in case.usual.models if case.quotes[model] is None
    ]
    parts += [
        f"event {peak.name}: {peak.units:,} more units of {peak.model}, {peak.span}: {peak.worth}"
        for peak in case.peaks
    ]
    return parts


def _sensitivity(case: "Case", model: str) -> Sequence[Any]:
    from sizing import units as sizing_units

    quote, option = case.quotes[model], case.bought.options.get(model)
    if quote is None:
        return []
    term = option.term if option else "SixMonths"
    return sizing_units.sensitivity(case.usual, model, quote, case.region, case.percentile, term)


def _sensitivity_table(case: "Case", model: str) -> "Sequence[Renderable]":
    rows = _sensitivity(case, model)
    found = table("if this differs", "lower", ">saving", "higher", ">saving")
    for row in rows:
        found.add_row(row.what, row.low, share(row.saving_low), row.high, share(row.saving_high))
    return ["how sensitive the saving is, one thing at a time:", found] if rows else []


def _review(case: "Case", model: str) -> Any:
    """Of the units that the stack has."""
    from sizing import units as sizing_units

    quote, option = case.held.quotes[model] or case.quotes[model], case.held.options.get(model)
    if quote is None:
        raise LookupError(model)
    tokens = case.usual.tokens(model, quote.output_weight)
    return sizing_units.review(
        tokens, quote.tokens_per_minute, option.units if option else 0, case.percentile
    )


# -- capacity ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checked:
    """What plan and policy say of the patched stack. `refused`: rules that may not be broken."""

    resources: int
    refused: Sequence[str]
    before_usd: float
    after_usd: float
    unknown: Sequence[str]


def checked(stack: str, changes: Mapping[str, str], after: "Case") -> Checked:
    """Plans the stack as it is and as it would be; every rule of ours judges the second."""
    import plan
    from plan import cost as costing
    from policies import sources

    before, patched = known_plan_of(stack), plan.run(stack, changes=changes)
    first, second = costing.estimate(before), costing.estimate(patched)
    protected = after.settings.environment.protect
    report = sources.ask(patched, protected=protected, sources=sources.chosen(["ours"]))
    return Checked(
        resources=len(patched.cloud),
        refused=[
            f"{found.rule}: {found.message}" for found in report.findings if found.severity == "mandatory"
        ],
        before_usd=float(first.fixed_total),
        after_usd=float(second.fixed_total),
        unknown=sorted({line.reason for line in second.unknown} - {line.reason for line in first.unknown}),
    )


def capacity_facts(case: "Case", text: str, found: Checked | None) -> dict[str, Any]:
    """As a document."""
    return {
        "target": {
            "messages_s": case.target.messages_s,
            "sessions": case.target.sessions,
            "headroom": case.target.headroom,
            "zone_lost": case.target.zone_lost,
        },
        "needs": [{**vars_of(need), "change": need.change} for need in case.needs],
        "quotas": [{**vars_of(ask), "must": ask.must} for ask in case.asks],
        "patch": text,
        "checked": vars_of(found) if found else None,
    }


def capacity(case: "Case", text: str, found: Checked | None) -> "Sequence[Renderable]":
    """On a page."""
    target = case.target
    needed = table("setting", ">now", ">needed", "because")
    for need in case.needs:
        why = f"{need.why}{' (a guess: measure it)' if need.guess else ''}"
        needed.add_row(
            need.key,
            _figure(need.now),
            _figure(need.needed) if need.change else "",
            f"{why}; {need.short.upper()}" if need.short else why,
            style="bold" if need.change else "",
        )
    quotas = table("limit", ">every account has", ">needed", "ask", "answer takes")
    for ask in case.asks:
        usual = "differs" if ask.usual is None else f"{ask.usual:,.0f}"
        quotas.add_row(ask.what, usual, _figure(ask.needed), "yes" if ask.must else "", ask.lead_time)
    head = (
        f"{target.messages_s:,.0f} messages/s, {target.sessions:,.0f} people, x{target.headroom:g} headroom, "
        "one zone lost, the standby carrying all of it"
    )
    asked = f"`concierge preflight {case.stack}` asks what is granted"
    lead = f"Ask at least {case.known.lead_days} days before; {asked}."
    return [head, needed, quotas, lead, text.rstrip(), *_verdict(found)]


def _verdict(found: Checked | None) -> Sequence[str]:
    if found is None:
        return []
    cost = f"{dollars(found.before_usd)} a month before, {dollars(found.after_usd)} after (no tasks, no use)"
    if not found.refused:
        accepted = f"plan and policy accept it: {found.resources} resources, {cost}"
        return [accepted, *(f"not counted in that: {reason}" for reason in found.unknown)]
    return [f"REFUSED: {reason}" for reason in found.refused]


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}" if value >= 100 else f"{value:,.4g}"
