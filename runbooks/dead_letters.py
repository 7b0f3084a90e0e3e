"""Messages could not be processed and wait: send them again, once whoever failed on them is well.

Sending them again while the cause stands only fills the queue again, so the workers must be seen to empty the
main queue first.
"""

from collections.abc import Mapping
from datetime import datetime

from runbooks.engine import About, Alarmed, Call, Decision, Finding, Once, Runbook, Verify, World, calling
from runbooks.engine.places import queue
from runbooks.engine.watch import METRICS, Watch
from runbooks.parts.ecs import tasks_missing

ID = "dead-letters"
DEAD = "ingest-dead"
URL, ATTRIBUTES = "sqs.get_queue_url", "sqs.get_queue_attributes"
MOVES, START = "sqs.list_message_move_tasks", "sqs.start_message_move_task"

LATE = Watch(
    what="age of the oldest message that waits",
    namespace="AWS/SQS",
    metric="ApproximateAgeOfOldestMessage",
    of=queue("ingest"),
    limit=3600,
    unit=" s",
)
LETTERS = Watch(
    what="dead letters",
    namespace="AWS/SQS",
    metric="ApproximateNumberOfMessagesVisible",
    of=queue(DEAD),
    limit=0.5,
    calls=(METRICS,),
)


def _attributes(world: World, name: str) -> Mapping[str, str]:
    url = world.aws.read("sqs", "get_queue_url", QueueName=world.named("queues", name))["QueueUrl"]
    wanted = ["ApproximateNumberOfMessages", "QueueArn"]
    found = world.aws.read("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=wanted)
    return dict(found["Attributes"])


@calling(URL, ATTRIBUTES)
def waiting(world: World) -> Finding:
    """How many are there at this moment?"""
    count = int(_attributes(world, DEAD)["ApproximateNumberOfMessages"])
    return Finding(what=f"{count} dead letters wait", evidence={"letters": count}, cause=count > 0)


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Send again when letters wait and the workers are well."""
    letters, late, tasks = findings["waiting"], findings["late"], findings["tasks"]
    if letters.cause is None:
        return Decision(course="unclear", why=letters.what)
    if not letters.cause:
        return Decision(course="leave", why=letters.what)
    if tasks.cause and "ingest" in tasks.subjects:
        return Decision(course="leave", why=f"{tasks.what}: they would fail again", see="task-kill-storm")
    if late.cause:
        return Decision(course="leave", why=f"{late.what}: the workers are not well; more would not help")
    return Decision(course="act", why=f"{letters.what}; {late.what}")


def _call(world: World, name: str) -> Call:
    """Each goes back to where it came from; slowly, so that one bad message does not take the rest along."""
    request = {"SourceArn": _attributes(world, name)["QueueArn"], "MaxNumberOfMessagesPerSecond": 50}
    return Call(service="sqs", operation="start_message_move_task", request=request)


def _moving(world: World, name: str) -> bool:
    """Nothing is left to move, or it is being moved."""
    found = _attributes(world, name)
    if int(found["ApproximateNumberOfMessages"]) == 0:
        return True
    tasks = world.aws.read("sqs", "list_message_move_tasks", SourceArn=found["QueueArn"])["Results"]
    return any(task["Status"] == "RUNNING" for task in tasks)


AGAIN = Once(
    name="send them again",
    effect="documents that were left out are indexed",
    subjects=lambda _: (DEAD,),
    done=_moving,
    call=_call,
    calls=(URL, ATTRIBUTES, MOVES, START),
    after="moving back, 50 a second",
    no_undo="what fails again comes back to the dead letters by itself",
)


@calling(URL, ATTRIBUTES)
def left(world: World, _: datetime | None) -> float | None:
    """Letters that still wait."""
    return float(_attributes(world, DEAD)["ApproximateNumberOfMessages"])


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="some documents or events are missing; nothing is lost for fourteen days",
        severity="ticket",
        budget_min=20,
        escalate="data on-call, with one message of the queue: those that fail twice are broken themselves",
    ),
    diagnose={
        "waiting": waiting,
        "letters": LETTERS,
        "late": LATE,
        "tasks": tasks_missing,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(AGAIN,),
    verify=Verify(
        what="dead letters", within_s=900, measure=left, better=lambda before, after: after < before
    ),
)
