"""Pricing does not answer: no price is shown (RUN-11), people are told, connections to it are made anew.

Pricing is a service of the shop. Ours is how we hang on it: worn-out connections end with the tasks that hold
them. When that does not help either, it is the provider's.
"""

from contract.logs import PROVIDER_FAILED
from runbooks.engine import About, Alarmed, Blame, Runbook
from runbooks.engine.steps import this
from runbooks.parts import relief
from runbooks.parts.ecs import cpu, start_anew, tasks_missing
from runbooks.parts.logs import Lines

ID = "pricing-down"
PRICING = Lines(PROVIDER_FAILED, limit=50, only="pricing")

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="answers show no prices; people are sent to the product page for them",
        budget_min=30,
        escalate="the pricing team: their service fails our calls, with the counts of this run",
    ),
    diagnose={
        "pricing": PRICING,
        "all": Lines(PROVIDER_FAILED, limit=5_000),
        "tasks": tasks_missing,
        "cpu": cpu("chat", "tools"),
        "alarms": Alarmed(ID),
    },
    decide=Blame("pricing", unless={"tasks": "task-kill-storm"}),
    mitigate=(relief.banner("Prices cannot be shown right now: see the product page."),),
    further=((start_anew(this("chat"), "worn-out connections to pricing end"),),),
    verify=PRICING.well(within_s=600),
)
