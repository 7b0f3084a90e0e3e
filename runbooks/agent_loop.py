"""A tool or agent loop hits its limits again and again (RUN-14): serve what needs none, then start anew."""

from contract.logs import LOOP_STOPPED
from runbooks.engine import About, Alarmed, Blame, Runbook, Watch
from runbooks.engine.places import ours
from runbooks.engine.steps import this
from runbooks.parts import relief
from runbooks.parts.ecs import start_anew, tasks_missing
from runbooks.parts.logs import Lines

ID = "agent-loop"
LOOPS = Lines(LOOP_STOPPED, limit=40)
COST = Watch(
    what="model cost a minute",
    namespace="Concierge",
    metric="CostUsd",
    of=ours(),
    statistic="Sum",
    limit=30.0,
    unit=" $",
)

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="some people wait 30 s for an apology; each loop costs five times a message",
        budget_min=20,
        escalate="runtime on-call, with the tool named by `loops` and one request_id of its lines",
    ),
    diagnose={"loops": LOOPS, "cost": COST, "tasks": tasks_missing, "alarms": Alarmed(ID)},
    decide=Blame("loops"),
    mitigate=(relief.canned_first(),),
    further=((start_anew(this("tools"), "a tool that hangs on a dead connection gets a new one"),),),
    verify=LOOPS.well(within_s=600),
)
