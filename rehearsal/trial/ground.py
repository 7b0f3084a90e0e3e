"""What experiments are made on: every stand-in seeded from a plan, and tasks behind their balancer.

Stands for as many experiments as are wanted; each finds it as the one before has left it, and that is a claim
of its own: nothing stays broken.
"""

import http.client
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import plan
from contract.inventory import RegionInventory
from plan.model import Plan
from rehearsal import clients, environment
from rehearsal.environment import Aws
from rehearsal.processes import Process, Processes
from runbooks import engine
from runbooks.engine import inventory as inventories

TOKEN_SECRET = "CONCIERGE_TOKEN_SECRET"  # noqa: S105 - a variable's name
# The endpoints of a stack stand once their containers and models do; these are nobody's.
ENDPOINTS = {
    f"inference.{kind}.{key}": value
    for kind in ("intent", "embed", "rerank")
    for key, value in (("image_digest", f"sha256:{'a' * 64}"), ("artifact", f"{kind}/1/model.tar.gz"))
}


@dataclass(frozen=True)
class Ground:
    """`host`: where people connect. `log`: what all tasks write."""

    stack: str
    plan: Plan
    aws: Aws
    host: str
    log: Path
    names: RegionInventory
    processes: Processes
    places: Mapping[str, str]
    world: engine.World

    def check(self) -> None:
        """ProcessError with the name of the first that has ended."""
        self.aws.check()


@contextmanager
def standing(folder: Path, stack: str, changes: Mapping[str, str], seed: int = 7) -> Iterator[Ground]:
    """Main thread only. `changes`: settings for this time only."""
    planned = plan.run(stack, changes={**ENDPOINTS, **changes})
    with (
        environment.standing(folder / "stand-ins", planned, seed_=seed) as aws,
        Processes(folder) as processes,
    ):
        door = _start(processes, "dynamodb", ["--behind", aws.urls["aws"]], {})
        tables = str(door.ready_line()["url"])
        log = folder / "tasks.jsonl"
        log.touch()
        variables = {**aws.variables(), "AWS_ENDPOINT_URL_DYNAMODB": tables, **_documents(stack, planned)}
        tasks = _start(processes, "tasks", ["--log", str(log)], variables)
        told = tasks.ready_line(90)
        more = {"dynamodb": tables, **told["controls"]}
        whole = replace(aws, controls={**aws.controls, **more}, processes={
            **aws.processes, "dynamodb": door, "tasks": tasks,
        })  # fmt: skip
        _scale_endpoints(aws.urls["sagemaker"])
        session = clients.boto_session(aws.region)
        reached = engine.Aws(session=session, region=aws.region, endpoint_url=aws.urls["aws"])
        found = inventories.fetch(reached, stack, folder / "inventory.json")
        yield Ground(
            stack=stack,
            plan=planned,
            aws=whole,
            host=str(told["url"]),
            log=log,
            names=found.primary,
            processes=processes,
            places={**aws.urls, "dynamodb": tables, "tasks": more["tasks"]},
            world=engine.World(
                aws=reached, inventory=found, operator="rehearsal", search_url=aws.urls["search"]
            ),
        )


def _scale_endpoints(url: str) -> None:
    """As many instances as prod has at least (MOD-5), and one more for a machine that is busy otherwise."""
    place = urlsplit(url)
    for name in environment.MODELS.values():
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
        try:
            connection.request("PUT", f"/_concierge/endpoints/{name}", '{"instances": 3, "warm": true}')
            connection.getresponse().read()
        finally:
            connection.close()


def _start(processes: Processes, name: str, options: list[str], env: Mapping[str, str]) -> Process:
    return processes.start(name, [sys.executable, "-m", f"rehearsal.{name}", *options], env)


def _documents(stack: str, planned: Plan) -> Mapping[str, str]:
    """As the stack tells them to its tasks; by the secret of tokens either task knows a guest again."""
    names = {
        f"CONCIERGE_{what.upper()}": f"/concierge/{stack}/{what}"
        for what in ("settings", "controls", "models")
    }
    region = str(planned.outputs.get("primary_region", ""))
    for task in planned.of_type("ecs.TaskDefinition"):
        if task.region == region and task.name.endswith("-chat-definition"):
            told = json.loads(task.inputs["containerDefinitions"])[0]["environment"]
            names |= {pair["name"]: pair["value"] for pair in told if pair["name"] == TOKEN_SECRET}
    return {"CONCIERGE_ENVIRONMENT": stack, **names}
