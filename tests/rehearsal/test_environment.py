"""All stand-ins at once: up on free ports, broken through one hub, gone afterwards."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pulumi
import pulumi_aws as aws_
import pytest

import plan
from chaos.faults.rehearsal import RehearsalTarget
from contract.errors import WrongUseError
from contract.faults import Fault, FaultKind
from rehearsal import clients, daemon, environment, hub, serving, standins
from rehearsal.processes import ProcessError
from runtime.places import VARIABLES
from tests.rehearsal.serving_helpers import http, in_thread

SMALL = ("bedrock", "cache")


def program() -> None:
    opts = pulumi.ResourceOptions(provider=aws_.Provider("here", region="us-east-1"))
    aws_.ssm.Parameter("set", name="/concierge/dev/settings", type="String", value="{}", opts=opts)
    aws_.sqs.Queue("ingest", name="ingest", visibility_timeout_seconds=60, opts=opts)
    aws_.secretsmanager.Secret("keys", name="keys", opts=opts)
    aws_.kinesis.Stream("events", name="events", shard_count=1, opts=opts)
    pool = aws_.cognito.UserPool("pool", name="people", opts=opts)
    aws_.cognito.UserPoolClient("web", name="web", user_pool_id=pool.id, opts=opts)
    route = "$request.body.type"
    aws_.apigatewayv2.Api(
        "chat", name="chat", protocol_type="WEBSOCKET", route_selection_expression=route, opts=opts
    )


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[environment.Aws]:
    planned = plan.of_program(program, project="concierge", stack="dev", config={"aws:region": "us-east-1"})
    folder = tmp_path_factory.mktemp("aws")
    with environment.standing(folder, lambda: planned, speed=3) as aws:
        yield aws


def test_every_stand_in_says_where_it_is_and_can_be_broken(standing: environment.Aws) -> None:
    names = set(standing.urls)
    assert names >= {"bedrock", "aws", "sagemaker", "search", "cache", "catalogue", "pricing", "cards"}
    assert set(standing.controls) == names - {"aws"}
    assert standing.variables()["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] == standing.urls["bedrock"]
    assert standing.variables()["CONCIERGE_ENDPOINT_RERANK"] == "concierge-dev-rerank"
    standing.check()


def test_every_place_of_a_stand_in_is_one_that_the_runtime_reads() -> None:
    """What is named and not read would be off without a word. Cards are asked by payments."""
    named = (*environment.ENDPOINTS, *environment.MODELS)
    ours = {name for name in named if name.startswith("CONCIERGE_")} - {"CONCIERGE_CARDS_URL"}
    assert ours <= set(VARIABLES.values())


def test_tables_have_the_names_that_the_stack_tells_its_tasks(dev: plan.Plan) -> None:
    tables = environment.names_of_tables(dev, "us-east-1")
    assert tables["CONCIERGE_TABLE_SESSIONS"] == "concierge-dev-sessions"
    assert set(tables.values()) <= {table.inputs["name"] for table in dev.of_type("dynamodb.Table")}


def test_what_the_plan_declares_is_there_under_its_name(standing: environment.Aws) -> None:
    session = boto3.Session(botocore_session=clients.session("us-east-1"))

    def ask(service: str) -> Any:
        return session.client(service, endpoint_url=standing.urls["aws"])  # type: ignore[call-overload]

    assert ask("ssm").get_parameter(Name="/concierge/dev/settings")["Parameter"]["Value"] == "{}"
    url = ask("sqs").get_queue_url(QueueName="ingest")["QueueUrl"]
    got = ask("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert got["Attributes"]["VisibilityTimeout"] == "60"
    assert [s["Name"] for s in ask("secretsmanager").list_secrets()["SecretList"]] == ["keys"]
    assert ask("kinesis").list_streams()["StreamNames"] == ["events"]
    (pool,) = ask("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]
    clients_ = ask("cognito-idp").list_user_pool_clients(UserPoolId=pool["Id"])["UserPoolClients"]
    assert [client["ClientName"] for client in clients_] == ["web"]
    assert [api["Name"] for api in ask("apigatewayv2").get_apis()["Items"]] == ["chat"]


def test_one_client_breaks_any_of_them_and_the_log_has_all(standing: environment.Aws) -> None:
    faults = standing.faults
    one = faults.inject(Fault(target="pricing", kind=FaultKind.UNAVAILABLE, lease_s=60))
    two = faults.inject(Fault(target="catalogue", kind=FaultKind.SLOW, lease_s=60))

    assert [fault.id for fault in faults.active()] == [one.id, two.id]
    assert http("GET", f"{standing.urls['pricing']}/v1/prices/x")[0] == 503
    assert faults.clear(one.id)
    assert not faults.clear(one.id)
    faults.clear_all()
    assert [(line.what, line.id) for line in faults.log()] == [
        ("injected", one.id),
        ("injected", two.id),
        ("cleared", one.id),
        ("cleared", two.id),
    ]
    with pytest.raises(WrongUseError, match=r"target: one of bedrock, cache, .*, not 'moon'"):
        faults.inject(Fault(target="moon", kind=FaultKind.SLOW, lease_s=1))


def test_the_hub_serves_the_same_over_http(standing: environment.Aws) -> None:
    with in_thread(lambda: serving.serving(hub.app(standing))) as url:
        target = RehearsalTarget(url)
        active = target.inject(Fault(target="shipping", kind=FaultKind.ERROR, lease_s=60))
        assert target.active() == (active,)
        assert [line.what for line in target.log() if line.id == active.id] == ["injected"]
        assert target.clear(active.id)
        assert not target.clear(active.id)
        assert set(http("GET", f"{url}/_concierge/status")[1].values()) == {None}
        wrong = {"target": "shipping", "kind": "red", "lease_s": 1}
        assert http("POST", f"{url}/_concierge/faults", wrong)[0] == 502
        assert http("POST", f"{url}/_concierge/faults", {**wrong, "target": "moon"})[0] == 400
        assert http("POST", f"{url}/_concierge/faults", {})[1]["message"] == "target: Field required"


def test_a_crash_is_told_by_name(tmp_path: Path) -> None:
    with environment.standing(tmp_path, None, only=SMALL) as aws:
        os.kill(aws.processes["cache"].pid, signal.SIGKILL)
        while aws.processes["cache"].running:
            time.sleep(0.01)

        with pytest.raises(ProcessError, match="cache was killed by SIGKILL"):
            aws.check()
        assert {name: how is None for name, how in hub.standing(aws).items()} == {
            "bedrock": True,
            "cache": False,
        }


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with environment.standing(tmp_path, None, only=SMALL) as aws:
        pids = [process.pid for process in aws.processes.values()]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_there_is_nothing_to_stop_where_nothing_is_up(tmp_path: Path) -> None:
    (tmp_path / daemon.STATE).write_text(json.dumps({"pid": 1}))  # somebody else's file

    with pytest.raises(daemon.NotUpError, match="concierge aws up"):
        daemon.down(tmp_path)


UP = """
import sys
from pathlib import Path
from rehearsal import daemon
daemon.up(Path(sys.argv[1]), stack="dev", seed=7, speed=3)
"""


@pytest.mark.prove
def test_up_status_and_down_leave_nothing(tmp_path: Path) -> None:
    up = [sys.executable, "-c", UP, str(tmp_path)]
    subprocess.run(up, check=True, timeout=120)
    state = daemon.require(tmp_path)
    try:
        again = subprocess.run(up, capture_output=True, check=False, text=True, timeout=60)
        assert "it is up since" in again.stderr
        assert http("GET", f"{state.hub}/_concierge/status")[1] == dict.fromkeys(standins.MODULES)
        session = boto3.Session(botocore_session=clients.session(state.region))
        tables = session.client("dynamodb", endpoint_url=state.urls["aws"]).list_tables()["TableNames"]
        assert "concierge-dev-sessions" in tables
    finally:
        daemon.down(tmp_path)
    assert daemon.find(tmp_path) is None
    for name, url in {"hub": state.hub, **state.urls}.items():
        place = urlsplit(url if "://" in url else f"grpc://{url}")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((place.hostname or "", place.port or 0), timeout=1).close()
            pytest.fail(f"{name} is still there")
