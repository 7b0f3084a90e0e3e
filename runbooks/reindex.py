"""A new generation of the index without downtime (VEC-5): copy, then 10, 50, 100 % of searches, a week back.

Each `--apply` takes one step and proves it, so a run that was stopped is simply run again:

1  make the new generation, write to both, copy in batches of 10,000 (the bulk machine remembers what is done)
2  when everything is there: a tenth of the searches; then half; then all, and the alias moves
3  a week later: writing to the old one ends; it is left for `--undo` until then

Undo takes back the last step only, whichever it was.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from contract.cutover import Cutover, parameter, parse, render
from runbooks.engine import (
    About,
    Alarmed,
    Call,
    Decision,
    Finding,
    Once,
    Runbook,
    Switch,
    Verify,
    World,
    calling,
    search,
)  # fmt: skip
from runbooks.engine.aws import AwsError
from runbooks.parts.opensearch import (
    ALIAS,
    FREE,
    READ,
    RED,
    SLOW,
    YELLOW,
    counts,
    point_alias,
    read_now,
)  # fmt: skip

ID = "reindex"
SHARES = (0.1, 0.5, 1.0)
BATCH = 10_000
WEEK = timedelta(days=7)
SAMPLE = 20
ENOUGH = 0.999
GET, PUT, DROP = "ssm.get_parameter", "ssm.put_parameter", "ssm.delete_parameter"
EXECUTIONS, START = "stepfunctions.list_executions", "stepfunctions.start_execution"
NONE = "none"
# A domain in trouble is not the place for a copy of everything: check -> what to run first.
UNFIT = {
    "red": "opensearch-red",
    "yellow": "opensearch-red",
    "free": "opensearch-disk",
    "slow": "opensearch-slow",
}


def new_name(world: World) -> str:
    number = world.given("generation", "the number of the new generation")
    return f"{ALIAS}-{number}"


def text(world: World) -> str:
    """The document of this cutover as it stands."""
    try:
        found = world.aws.read("ssm", "get_parameter", Name=parameter(world.environment))
    except AwsError as error:
        if error.code == "ParameterNotFound":
            return NONE
        raise
    return str(found["Parameter"]["Value"])


def cutover(world: World) -> Cutover | None:
    said = text(world)
    return None if said == NONE else parse(said)


@calling(GET, *READ)
def phase(world: World) -> Finding:
    """How far is it, and what comes next?"""
    done, now = cutover(world), read_now(world)
    if done is None:
        if now == [new_name(world)]:
            return Finding(what=f"{now[0]} is read alone: done", evidence={"next": "nothing"}, cause=False)
        begin = Cutover(origin=now[0] if now else "", to=new_name(world), since=world.clock.now())
        return _next("copy", "nothing has begun", begin)
    shares = [share for share in SHARES if share > done.share]
    if shares:
        further = done.model_copy(update={"share": shares[0], "since": world.clock.now()})
        return _next(f"{shares[0]:.0%}", f"{done.share:.0%} of the searches read {done.to}", further)
    waits = done.since + WEEK - world.clock.now()
    if waits > timedelta():
        what = f"all searches read {done.to}; the old one stays for {waits.days + 1} more days"
        return Finding(what=what, evidence={"next": "wait"}, cause=False)
    return Finding(what="the week is over", evidence={"next": "end", "document": NONE}, cause=True)


def _next(name: str, what: str, document: Cutover) -> Finding:
    return Finding(
        what=f"{what}; next: {name}", evidence={"next": name, "document": render(document)}, cause=True
    )


@calling(GET, *READ)
def complete(world: World) -> Finding:
    """Does the new generation hold everything?"""
    share = _held(world)
    if share is None:
        return Finding(what="there is no new generation yet", cause=False)
    return Finding(what=f"the new generation holds {share:.1%} of the documents", cause=share < ENOUGH)


def _held(world: World) -> float | None:
    held, done = counts(world), cutover(world)
    if done is None or done.to not in held:
        return None
    return held[done.to] / max(1, held.get(done.origin, 0))


@calling(GET, *READ)
def same(world: World) -> Finding:
    """Are the same documents found in both? A sample, one by one."""
    done = cutover(world)
    if done is None:
        return Finding(what="nothing to compare yet", cause=False)
    hits = search.read(world, f"/{done.origin}/_search?size={SAMPLE}") or {"hits": {"hits": []}}
    ids = [str(hit["_id"]) for hit in hits["hits"]["hits"]]
    lost = [one for one in ids if search.read(world, f"/{done.to}/_doc/{one}") is None]
    what = f"{len(lost)} of {len(ids)} sampled documents are not in {done.to}"
    return Finding(what=what, evidence={"sample": len(ids), "lost": len(lost)}, cause=bool(lost))


def decide(findings: Mapping[str, Finding]) -> Decision:
    """The next step, when the one before is proven and the domain has room and time for it."""
    for check, see in UNFIT.items():
        if findings[check].cause:
            return Decision(course="leave", why=findings[check].what, see=see)
    far, whole, alike = findings["phase"], findings["complete"], findings["same"]
    if far.cause is None:
        return Decision(course="unclear", why=far.what)
    if not far.cause:
        return Decision(course="leave", why=far.what)
    step = str(far.evidence["next"])
    if step not in {"copy", "end"} and (whole.cause is not False or alike.cause is not False):
        return Decision(course="leave", why=f"{whole.what}; {alike.what}: the copy is still under way")
    steps = {
        "copy": (MAKE.name, TELL.name, COPY.name),
        "100%": (TELL.name, MOVE.name),
        "end": (TELL.name,),
    }.get(step, (TELL.name,))
    return Decision(course="act", why=f"{far.what}; {whole.what}; {alike.what}", steps=steps)


def _settings_of(world: World, _: str) -> str:
    there = search.read(world, f"/{new_name(world)}/_settings")
    return "absent" if there is None else "there"


def _make(world: World, _: str, state: str) -> Call:
    method = "PUT" if state == "there" else "DELETE"
    return Call(service="search", operation=f"{method} /{new_name(world)}", request={})


MAKE = Switch(
    name="make the new generation",
    effect="an empty index of the present template",
    subjects=lambda world: (new_name(world),),
    present=_settings_of,
    wanted=lambda _, __, ___: "there",
    call=_make,
    calls=(*READ, search.PUT, search.DELETE),
)


def _document(world: World, _: str, __: str) -> str:
    return str(world.findings["phase"].evidence["document"])


def _tell(world: World, _: str, state: str) -> Call:
    name = parameter(world.environment)
    if state == NONE:
        return Call(service="ssm", operation="delete_parameter", request={"Name": name})
    request = {"Name": name, "Value": state, "Type": "String", "Overwrite": True}
    return Call(service="ssm", operation="put_parameter", request=request)


TELL = Switch(
    name="tell ingest and the agent",
    effect="ingest writes to both; so large a share of the searches reads the new one",
    subjects=lambda _: ("cutover",),
    present=lambda world, _: text(world),
    wanted=_document,
    call=_tell,
    calls=(GET, PUT, DROP),
)


def _run_name(world: World) -> str:
    return f"reindex-{new_name(world)}"


def _copying(world: World, _: str) -> bool:
    listed = world.aws.read(
        "stepfunctions", "list_executions", stateMachineArn=world.named("machines", "ingest-bulk")
    )
    alive = {"RUNNING", "SUCCEEDED"}
    return any(
        one["name"].startswith(_run_name(world)) and one["status"] in alive for one in listed["executions"]
    )


def _copy(world: World, _: str) -> Call:
    request = {
        "stateMachineArn": world.named("machines", "ingest-bulk"),
        "name": f"{_run_name(world)}-{world.clock.now():%Y%m%d%H%M}",
        "input": json.dumps({"index": new_name(world), "batch": BATCH}),
    }
    return Call(service="stepfunctions", operation="start_execution", request=request)


COPY = Once(
    name="copy",
    effect=f"every document is embedded and written again, {BATCH:,} at a time",
    subjects=lambda world: (new_name(world),),
    done=_copying,
    call=_copy,
    calls=(EXECUTIONS, START),
    after="the bulk machine is at work",
    no_undo="stop its execution; what it wrote goes with the new generation",
)
MOVE = point_alias(
    "move the alias",
    "whoever asks for the alias reads the new generation",
    lambda world, _: json.dumps([new_name(world)]),
)


@calling(GET, *READ)
def proven(world: World, _: datetime | None) -> float | None:
    """Documents that the new generation lacks, of what the old one has."""
    share = _held(world)
    if share is None:
        return 1.0 if cutover(world) is None and read_now(world) != [new_name(world)] else 0.0
    return max(0.0, 1.0 - share)


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="none when it goes well: people search what they searched before",
        severity="planned",
        budget_min=120,
        escalate="search on-call, with the sample of `same`",
        inputs=(("generation", "the number of the new generation, such as 3"),),
    ),
    diagnose={
        "phase": phase,
        "complete": complete,
        "same": same,
        "red": RED,
        "yellow": YELLOW,
        "slow": SLOW,
        "free": FREE,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(MAKE, TELL, COPY, MOVE),
    verify=Verify(
        what="documents that the new generation lacks",
        within_s=5400,
        measure=proven,
        better=lambda _, after: after <= 1 - ENOUGH,
    ),
)
