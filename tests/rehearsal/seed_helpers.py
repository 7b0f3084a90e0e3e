"""A moto of our own, clients of it, and small plans to seed it with."""

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import botocore.session
import pulumi
import pulumi_aws as aws
from botocore.config import Config

import plan
from plan import Plan
from rehearsal.processes import Processes
from rehearsal.seed import Seeded, seed
from rehearsal.standins import start_aws, url

REGION = "us-east-1"
ACCOUNT = "123456789012"
Program = Callable[[pulumi.ResourceOptions], object]


@contextmanager
def moto_of_our_own(folder: Path) -> Iterator[str]:
    """Its URL, as long as the block lasts."""
    with Processes(folder) as processes:
        yield url(start_aws(processes))


def emptied(moto: str) -> str:
    """The moto at this URL, with nothing in it."""
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    return moto


@contextmanager
def clients_of(moto: str) -> Iterator[Callable[..., Any]]:
    """Service and region -> a real client."""
    with ExitStack() as clients:

        def client(service: str, region: str = REGION) -> Any:
            made: Any = botocore.session.get_session().create_client(
                service,
                region_name=region,
                endpoint_url=moto,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}),
            )
            clients.callback(made.close)
            return made

        yield client


def planned(program: Program, region: str = REGION) -> Plan:
    """The plan of a small program whose resources all stand in one region."""

    def run() -> None:
        program(pulumi.ResourceOptions(provider=aws.Provider(region, region=region)))

    return plan.of_program(run, project="concierge", stack="dev", config={})


def seeded(url: str, program: Program, region: str = REGION) -> Seeded:
    return seed(planned(program, region), region, url)
