"""What a month will cost, held against what it may."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from plan import cost
from plan.preflight.facts import GLOBAL_REGION, Facts
from plan.preflight.model import Check, Verdict, ok, problem, warning

_MONTH = timedelta(days=30)


def _estimate(facts: Facts, _: str) -> Iterator[Verdict]:
    budget = facts.wishes.budget_usd
    fixed = sum((line.usd for line in cost.estimate(facts.plan).lines), Decimal(0))
    if budget is None:
        yield warning(f"${fixed:,.0f} a month before traffic, and no budget to hold it against")
    elif fixed > budget:
        yield problem(f"${fixed:,.0f} a month before traffic; the budget is ${budget:,}")
    else:
        yield ok(f"${fixed:,.0f} a month before traffic, of ${budget:,}")


def _alerts(facts: Facts, _: str) -> Iterator[Verdict]:
    """A budget in AWS tells somebody; a number in a file does not (OPS-2)."""
    found = (
        facts.client("budgets", GLOBAL_REGION).describe_budgets(AccountId=facts.account).get("Budgets", [])
    )
    limits = [Decimal(b["BudgetLimit"]["Amount"]) for b in found if b.get("BudgetType") == "COST"]
    if not limits:
        yield warning("the account has no cost budget, so nobody hears of a cost that runs away")
    else:
        yield ok(f"{len(limits)} cost budgets, the largest ${max(limits):,.0f}")


def _forecast(facts: Facts, _: str) -> Iterator[Verdict]:
    budget = facts.wishes.budget_usd
    if budget is None:
        yield ok("no budget is set for this environment")
        return
    today = datetime.now(tz=UTC).date()
    found = facts.client("ce", GLOBAL_REGION).get_cost_forecast(
        TimePeriod={"Start": f"{today + timedelta(days=1)}", "End": f"{today + _MONTH}"},
        Metric="UNBLENDED_COST",
        Granularity="MONTHLY",
        Filter={"Tags": {"Key": "Stack", "Values": [facts.plan.stack]}},
    )
    amount = Decimal(found["Total"]["Amount"])
    sentence = f"${amount:,.0f} forecast for the next 30 days, of ${budget:,}"
    yield problem(sentence) if amount > budget else ok(sentence)


CHECKS = (
    Check(
        id="budget-estimate",
        title="Cost by the plan",
        why="What runs day and night is known before anything runs.",
        fix="Set environment.monthly_budget_usd, or look at `concierge plan --cost`.",
        lead_time="minutes",
        look=_estimate,
        everywhere=False,
    ),
    Check(
        id="budget-alerts",
        title="AWS budgets",
        why="Somebody must hear of 80 % and of 100 % (OPS-2).",
        fix="Make a cost budget with notices at 80 % and 100 %.",
        lead_time="minutes; a day until it measures",
        look=_alerts,
        actions=("budgets:ViewBudget", "sts:GetCallerIdentity"),
        everywhere=False,
    ),
    Check(
        id="budget-forecast",
        title="Cost forecast",
        why="What the environment costs already, carried on.",
        fix="Look at Cost Explorer by the tag Stack, and activate the tag for cost allocation.",
        lead_time="a day until a tag counts",
        look=_forecast,
        actions=("ce:GetCostForecast",),
        everywhere=False,
    ),
)
