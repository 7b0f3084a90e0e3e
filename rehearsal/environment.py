"""All stand-ins together, seeded from a plan: AWS on this machine for as long as a `with` block lasts.

    with environment.standing(folder, planned) as aws:
        run_something(env=aws.variables())
        aws.faults.inject(Fault(target="pricing", kind="slow", lease_s=30))
        aws.check()

Nothing is left behind: each program ends with the block, and with this process whatever kills it.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chaos.faults.rehearsal import RehearsalTargets
from contract.faults import FaultKind
from plan.model import Plan
from rehearsal import clients, standins
from rehearsal.bedrock import planned as account_of
from rehearsal.bedrock.client import give_account
from rehearsal.processes import Process, Processes
from rehearsal.sagemaker import KINDS
from rehearsal.seed import Seeded, seed

# Where there is no plan that says it.
_PRIMARY = "us-east-1"
ENDPOINTS = {
    "AWS_ENDPOINT_URL": "aws",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "bedrock",
    "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "sagemaker",
    "CONCIERGE_SEARCH_URL": "search",
    "CONCIERGE_CACHE_URL": "cache",
    "CONCIERGE_CATALOGUE": "catalogue",
    "CONCIERGE_PRODUCT_SEARCH_URL": "product-search",
    "CONCIERGE_PRICING_URL": "pricing",
    "CONCIERGE_RECOMMENDATION_URL": "recommendation",
    "CONCIERGE_SHIPPING_URL": "shipping",
    "CONCIERGE_PROMOTIONS_URL": "promotions",
    "CONCIERGE_ORDERS_URL": "orders",
    "CONCIERGE_CARDS_URL": "cards",
}

TABLE = "CONCIERGE_TABLE_"
# The stand-in's endpoints: in most plans of development none stands.
MODELS = {f"CONCIERGE_ENDPOINT_{kind.upper()}": f"concierge-dev-{kind}" for kind in KINDS}


@dataclass(frozen=True)
class Aws:
    """Where everything is. `faults` breaks any of it; `seeded` is what moto holds, as `tables` names it."""

    region: str
    urls: Mapping[str, str]
    controls: Mapping[str, str]
    seeded: Seeded | None
    processes: Mapping[str, Process]
    tables: Mapping[str, str] = field(default_factory=dict)

    @property
    def faults(self) -> RehearsalTargets:
        return RehearsalTargets(self.controls)

    def variables(self) -> Mapping[str, str]:
        """What a program needs in its environment to use these in AWS's place."""
        places = {name: self.urls[key] for name, key in ENDPOINTS.items() if key in self.urls}
        keys = {"AWS_ACCESS_KEY_ID": clients.NOBODY, "AWS_SECRET_ACCESS_KEY": clients.NOBODY}
        models = MODELS if "sagemaker" in self.urls else {}
        return {"AWS_REGION": self.region, **keys, **places, **models, **self.tables}

    def check(self) -> None:
        """ProcessError with the name of the first that has ended."""
        for process in self.processes.values():
            process.check()


@contextmanager
def standing(
    folder: Path,
    plan: Plan | Callable[[], Plan] | None,
    *,
    seed_: int = 7,
    speed: float = 1.0,
    only: Collection[str] = tuple(standins.MODULES),
    misbehave: Mapping[FaultKind, float] | None = None,
) -> Iterator[Aws]:
    """Starts them all at once, waits for each, and gives them what a plan declares. Main thread only.

    `plan` may be how to get one: then they start while it is made.
    """
    with Processes(folder) as processes:
        more = {
            standins.BEDROCK: [f"--misbehave={kind}={rate}" for kind, rate in (misbehave or {}).items()],
            "search": ["--corpus"],
        }
        started = {
            name: standins.start(processes, name, seed=seed_, speed=speed, more=more.get(name, ()))
            for name in standins.MODULES
            if name in only
        }
        planned = plan() if callable(plan) else plan
        region = str(planned.outputs.get("primary_region", _PRIMARY)) if planned else _PRIMARY
        with ThreadPoolExecutor(1) as beside:
            seeding = None
            if planned is not None and standins.AWS in started:  # takes longest: not after the others
                moto = standins.ready(started[standins.AWS]).urls[standins.AWS]
                seeding = beside.submit(_seeded, planned, moto)
            told = {name: standins.ready(process) for name, process in started.items()}
            urls = {key: place for ready in told.values() for key, place in ready.urls.items()}
            controls = {key: place for ready in told.values() for key, place in ready.controls.items()}
            if planned is not None and standins.BEDROCK in urls:
                give_account(urls[standins.BEDROCK], account_of.account(planned, region))
            seeded = seeding.result() if seeding else None
        tables = names_of_tables(planned, region) if planned and seeded else {}
        yield Aws(region, urls, controls, seeded, started, tables)


def names_of_tables(plan: Plan, region: str) -> Mapping[str, str]:
    """The tables' names as the stack tells them to the agent's tasks."""
    tasks = (t for t in plan.of_type("ecs.TaskDefinition") if t.region == region)
    chat = next((task for task in tasks if task.name.endswith("-chat-definition")), None)
    told = json.loads(chat.inputs["containerDefinitions"])[0]["environment"] if chat else ()
    return {pair["name"]: pair["value"] for pair in told if pair["name"].startswith(TABLE)}


def _seeded(plan: Plan, moto: str) -> Seeded:
    """Every region of the plan: when one is lost, the other must be there."""
    parts = [seed(plan, region, moto) for region in sorted({r.region for r in plan.cloud if r.region})]
    return Seeded(
        created=tuple(label for part in parts for label in part.created),
        skipped=tuple(skipped for part in parts for skipped in part.skipped),
        actual={planned: made for part in parts for planned, made in part.actual.items()},
    )
