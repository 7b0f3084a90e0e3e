"""New connections come near the quota (NET-5: 500 a second): ask for more, and hold newcomers back.

Who is connected stays; the widget is hidden from people who have not opened it yet.
"""

from runbooks.engine import About, Alarmed, Blame, Call, Finding, Once, Runbook, Watch, World, calling
from runbooks.engine.controls import TurnControl, usual
from runbooks.engine.places import websocket
from runbooks.engine.steps import this

ID = "websocket-limit"
SERVICE, CODE = "apigateway", "L-9ED1E49A"  # new WebSocket connections a second
GET = "service-quotas.get_service_quota"
HISTORY = "service-quotas.list_requested_service_quota_change_history_by_quota"
WANTED = 2000.0
CONNECTS = Watch(
    what="new connections a minute (80 % of the quota)",
    namespace="AWS/ApiGateway",
    metric="ConnectCount",
    of=websocket,
    statistic="Sum",
    limit=24_000,
)


@calling(GET)
def quota(world: World) -> Finding:
    """What is the quota here?"""
    value = world.aws.read("service-quotas", "get_service_quota", ServiceCode=SERVICE, QuotaCode=CODE)
    allowed = float(value["Quota"]["Value"])
    return Finding(
        what=f"{allowed:g} new connections a second are allowed",
        evidence={"value": allowed},
        cause=allowed < WANTED,
    )


def _asked(world: World, _: str) -> bool:
    history = world.aws.read(
        "service-quotas",
        "list_requested_service_quota_change_history_by_quota",
        ServiceCode=SERVICE,
        QuotaCode=CODE,
    )
    return any(one["Status"] in {"PENDING", "CASE_OPENED"} for one in history["RequestedQuotas"])


def _ask(_: World, __: str) -> Call:
    request = {"ServiceCode": SERVICE, "QuotaCode": CODE, "DesiredValue": WANTED}
    return Call(service="service-quotas", operation="request_service_quota_increase", request=request)


ASK = Once(
    name="ask for a higher quota",
    effect="AWS raises it within hours; not in time for now, but for the next rush",
    subjects=this("new connections"),
    done=_asked,
    call=_ask,
    calls=(HISTORY, "service-quotas.request_service_quota_increase"),
    after=f"{WANTED:g} a second asked for",
    no_undo="withdraw the case in the support console",
    optional=True,
)
HOLD_BACK = TurnControl(
    control="widget",
    setting=usual(True),
    value=False,
    minutes=15,
    enough=lambda present: present is False,
    effect="people who have not opened the chat are not offered it",
)

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="some people cannot open the chat at all",
        budget_min=20,
        escalate="platform on-call and the AWS account team: above the quota connections are refused",
    ),
    diagnose={"connects": CONNECTS, "quota": quota, "alarms": Alarmed(ID)},
    decide=Blame("connects"),
    mitigate=(HOLD_BACK, ASK),
    verify=CONNECTS.well(within_s=600),
)
