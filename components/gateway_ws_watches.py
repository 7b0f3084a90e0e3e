"""How the WebSocket API fails and how it looks (NET-5, OPS-2). Makes no resource.

AWS has no metric of how many connections are open: what can be watched is how fast new ones come.
"""

from typing import Any

from pulumi import Input

from components.alarms import Watch
from contract.alarms import Alarm, Widget, graphs

NAMESPACE = "AWS/ApiGateway"
NEAR = 0.8  # of a quota


def watches(api_id: Input[str], stage: str, door: str, connections_per_second: int) -> list[Watch]:
    """`door`: name of the function that lets a connection in; the last is the account's granted quota."""
    near = NEAR * connections_per_second * 60
    of_api: dict[str, Any] = {"dimensions": {"Stage": stage}, "computed": ("ApiId",)}
    found = [
        _alarm(
            "ws-new-connections",
            "ConnectCount",
            near,
            "Soon new chats cannot be opened: new connections approach the account's quota.",
            "websocket-limit",
            datapoints=2,
            of=2,
            **of_api,
        ),
        _alarm(
            "ws-refused",
            "ClientError",
            max(50.0, near / 10),
            "Many chats cannot be opened: tickets are refused, or somebody tries without.",
            "connection-drops",
            **of_api,
        ),
        _alarm(
            "ws-errors",
            "IntegrationError",
            50,
            "Chat messages are lost between the gateway and the chat service.",
            "connection-drops",
            **of_api,
        ),
        _alarm(
            "ws-slow",
            "IntegrationLatency",
            2_000,
            "Chat messages are accepted slowly: answers begin late.",
            "connection-drops",
            statistic="p95",
            **of_api,
        ),
    ]
    return [*(Watch(alarm, {"ApiId": api_id}) for alarm in found), Watch(_door(door))]


def widgets(stage: str) -> list[Widget]:
    return graphs(
        NAMESPACE,
        {
            "New connections": ("ConnectCount", "Sum"),
            "Messages over WebSocket": ("MessageCount", "Sum"),
            "Connections refused": ("ClientError", "Sum"),
            "Messages lost at the gateway": ("IntegrationError", "Sum"),
        },
        {"Stage": stage},
        across=("ApiId",),
    )


def _door(function: str) -> Alarm:
    return _alarm(
        "ws-door-errors",
        "Errors",
        5,
        "Chats cannot be opened: the check of tickets itself fails.",
        "connection-drops",
        namespace="AWS/Lambda",
        dimensions={"FunctionName": function},
    )


def _alarm(id_: str, metric: str, threshold: float, impact: str, runbook: str, **more: Any) -> Alarm:
    usual = {"namespace": NAMESPACE, "statistic": "Sum", "datapoints": 3, "of": 5}
    return Alarm(
        id=id_,
        metric=metric,
        threshold=threshold,
        missing="notBreaching",
        severity="page",
        impact=impact,
        runbook=runbook,
        **{**usual, **more},
    )
