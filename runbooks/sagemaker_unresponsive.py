"""A SageMaker endpoint fails its callers: more instances at once, and scaling that does not take them back.

The agent goes on without: rules instead of the classifier, Titan instead of BGE. Cold instances of the intent
model take 55 s to answer.
"""

from runbooks.engine import About, Alarmed, Blame, Runbook
from runbooks.engine.steps import found
from runbooks.parts.sagemaker import FAILING, LOADED, SLOW, aim, instances, least, scale

ID = "sagemaker-unresponsive"
INSTANCES = 5
CALLS = 1000

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="intents come from rules alone, retrieval is not reranked: answers are less to the point",
        budget_min=20,
        escalate="models on-call, with the endpoint's log group /aws/sagemaker/Endpoints/<name>",
    ),
    diagnose={
        "failing": FAILING,
        "instances": instances,
        "slow": SLOW,
        "loaded": LOADED,
        "alarms": Alarmed(ID),
    },
    decide=Blame("failing"),
    mitigate=(
        scale(INSTANCES, found("failing")),
        least(INSTANCES, found("failing")),
        aim(CALLS, found("failing")),
    ),
    verify=FAILING.well(within_s=900),
)
