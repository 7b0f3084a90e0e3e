"""Product look-ups over gRPC miss their deadline: ask less often, then with more tasks (LOAD-2)."""

from contract.logs import PROVIDER_FAILED
from runbooks.engine import About, Alarmed, Blame, Runbook
from runbooks.engine.steps import this
from runbooks.parts import relief
from runbooks.parts.ecs import at_least, cpu, tasks_missing
from runbooks.parts.logs import Lines

ID = "catalogue-slow"
CATALOGUE = Lines(PROVIDER_FAILED, limit=50, service="tools", only="catalogue")

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="answers about products come late or without details",
        severity="ticket",
        budget_min=20,
        escalate="the catalogue team, with the counts of this run and our look-ups a second",
    ),
    diagnose={
        "catalogue": CATALOGUE,
        "all": Lines(PROVIDER_FAILED, limit=5_000, service="tools"),
        "tasks": tasks_missing,
        "cpu": cpu("tools"),
        "alarms": Alarmed(ID),
    },
    decide=Blame("catalogue", unless={"tasks": "task-kill-storm"}),
    mitigate=(relief.cache("aggressive"),),
    further=((at_least(8, this("tools"), "more connections share the look-ups"),),),
    verify=CATALOGUE.well(within_s=600),
)
