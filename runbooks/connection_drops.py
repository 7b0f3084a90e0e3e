"""WebSocket connections end early in numbers: more room where they are held, and fewer reconnects at once.

Who loses a connection comes back at once, and a thousand who do that at once are the next problem: the widget
is not offered to newcomers for a while.
"""

from contract.logs import SOCKET_LOST
from runbooks.engine import About, Alarmed, Blame, Runbook, Watch
from runbooks.engine.places import websocket
from runbooks.engine.steps import this
from runbooks.parts.ecs import at_least, cpu, tasks_missing
from runbooks.parts.logs import Lines
from runbooks.websocket_limit import HOLD_BACK

ID = "connection-drops"
BROKEN = Watch(
    what="messages and connections that failed behind the gateway, a minute",
    namespace="AWS/ApiGateway",
    metric="IntegrationError",
    of=websocket,
    statistic="Sum",
    limit=50,
)

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="answers stop in the middle; people reconnect and ask again",
        budget_min=20,
        escalate="platform on-call, with the causes of `lines`",
    ),
    diagnose={
        "broken": BROKEN,
        "lines": Lines(SOCKET_LOST, limit=100),
        "tasks": tasks_missing,
        "cpu": cpu("chat"),
        "alarms": Alarmed(ID),
    },
    decide=Blame("broken", unless={"tasks": "task-kill-storm"}),
    mitigate=(at_least(10, this("chat"), "each task holds fewer connections"), HOLD_BACK),
    verify=BROKEN.well(within_s=900),
)
