"""A SageMaker endpoint is slow but answers: more instances, and scaling out that begins earlier."""

from runbooks.engine import About, Alarmed, Blame, Runbook
from runbooks.engine.steps import found
from runbooks.parts.sagemaker import FAILING, LOADED, SLOW, aim, instances, least, scale

ID = "sagemaker-latency"
INSTANCES = 4
CALLS = 1500

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="first words come late; reranking is skipped when it would be late",
        severity="ticket",
        budget_min=20,
        escalate="models on-call: a model that is slow under little load is a model's fault, not scaling's",
    ),
    diagnose={
        "slow": SLOW,
        "failing": FAILING,
        "loaded": LOADED,
        "instances": instances,
        "alarms": Alarmed(ID),
    },
    decide=Blame("slow", unless={"failing": "sagemaker-unresponsive"}),
    mitigate=(
        scale(INSTANCES, found("slow")),
        least(INSTANCES, found("slow")),
        aim(CALLS, found("slow")),
    ),
    verify=SLOW.well(within_s=900),
)
