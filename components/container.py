"""The one container of a task (RUN-19): an image by digest that may do nothing but serve its port.

No root, no capability, nothing writable. Pure data; `components.service` makes the task definition of it.
"""

import math
from collections.abc import Mapping
from typing import Any

from pulumi import Input

PORT = 8080
CONTAINER = "agent"
USER = "10001:10001"
LONGEST_STOP_S = 120  # Fargate's limit
CLOSE_S = 10  # after the last answer: sockets are told to reconnect
_PING = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{PORT}/ping', timeout=2)"


def container(
    *,
    service: str,
    image: Input[str],
    variables: Mapping[str, Input[str]],
    secrets: Mapping[str, Input[str]],
    log_group: Input[str],
    region: str,
    drain_s: float,
    writable: bool,
) -> dict[str, Any]:
    """Its definition. `variables` are those `runtime/__main__.py` reads; `secrets` come by reference only."""
    told = {**variables, "CONCIERGE_SERVICE": service}
    return {
        "name": CONTAINER,
        "image": image,
        "essential": True,
        "user": USER,
        "readonlyRootFilesystem": not writable,
        "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
        "portMappings": [{"containerPort": PORT, "hostPort": PORT, "protocol": "tcp"}],
        "stopTimeout": _stop_timeout(drain_s),
        "healthCheck": {
            "command": ["CMD", "python", "-c", _PING],
            "interval": 10,
            "timeout": 5,
            "retries": 3,
            "startPeriod": 30,
        },
        "environment": [{"name": key, "value": told[key]} for key in sorted(told)],
        "secrets": [{"name": key, "valueFrom": secrets[key]} for key in sorted(secrets)],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": service,
                # When logs cannot be delivered, lines are lost and conversations go on.
                "mode": "non-blocking",
                "max-buffer-size": "25m",
            },
        },
    }


def _stop_timeout(drain_s: float) -> int:
    """Between SIGTERM and the end: every answer under way may finish."""
    wanted = math.ceil(drain_s) + CLOSE_S
    if wanted > LONGEST_STOP_S:
        raise ValueError(
            f"a task would need {wanted} s to drain and Fargate waits {LONGEST_STOP_S}: "
            f"set runtime.request_s to at most {LONGEST_STOP_S - CLOSE_S}"
        )
    return wanted
