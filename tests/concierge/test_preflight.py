"""`concierge preflight` as a platform engineer meets it: a real process, and an AWS on loopback."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# moto's account number; it is also the one in the names of a plan.
BUCKET = "concierge-dev-documents-123456789012-us-east-1"


def preflight(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "concierge", "preflight", *arguments],
        cwd=ROOT,
        env={
            **kept,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "COLUMNS": "140",
            "NO_COLOR": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """Where an empty account answers."""
    command = [sys.executable, "-m", "rehearsal.moto_server", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["url"]
        server.terminate()


def client(service: str, url: str) -> Any:
    make: Callable[..., Any] = boto3.client
    return make(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_what_a_stand_in_does_not_know_leaves_it_inconclusive(aws: str):
    asked = ("--only", "account", "--only", "quota", "--only", "model")
    told = preflight("dev", *asked, "--endpoint-url", aws, "--json", **KEYS)

    report = json.loads(told.stdout)
    assert told.returncode == report["exit_code"] == 3
    assert report["account"] == "123456789012"
    assert report["counts"]["problem"] == 0
    verdicts = {(f["check"], f["region"]): f["verdict"] for f in report["findings"]}
    assert verdicts["quota-vpcs", "us-east-1"] == "ok"
    assert verdicts["model-access", "us-east-1"] == "unknown"


def test_a_problem_comes_first_with_what_to_do(aws: str):
    """Found through the variable that boto3 itself reads."""
    client("s3", aws).create_bucket(Bucket=BUCKET)
    try:
        told = preflight("dev", "--only", "bucket-names", "--only", "zones", AWS_ENDPOINT_URL=aws, **KEYS)
    finally:
        client("s3", aws).delete_bucket(Bucket=BUCKET)

    assert told.returncode == 1
    heading, first, *_ = told.stdout.splitlines()
    assert heading.split() == ["check", "verdict", "found,", "and", "what", "to", "do", "takes"]
    assert first.startswith("bucket-names  problem")
    assert BUCKET in told.stdout
    assert "-> Delete or import the bucket" in told.stdout
    assert told.stdout.splitlines()[-1] == (
        "preflight dev, account 123456789012: 1 to solve, 1 in order; not ready"
    )


def test_in_order_is_zero(aws: str):
    told = preflight("dev", "--only", "zones", "--endpoint-url", aws, **KEYS)

    assert told.returncode == 0
    assert told.stdout.splitlines()[-1].endswith("1 in order; ready for `pulumi up`")


def test_an_endpoint_where_nobody_answers_is_inconclusive():
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        told = preflight("dev", "--only", "zones", "--endpoint-url", url, **KEYS)

    assert told.returncode == 3
    assert "could not check: no answer" in told.stdout
    assert "account unknown" in told.stdout


def test_without_credentials_one_line_says_so():
    told = preflight("dev")

    assert told.returncode == 3
    assert told.stdout == ""
    assert told.stderr == (
        "concierge: no AWS credentials: set AWS_PROFILE, or `aws sso login`; nothing was checked\n"
    )


def test_a_check_nobody_knows_is_wrong_use():
    told = preflight("dev", "--only", "zoned")

    assert told.returncode == 2
    assert told.stderr == "concierge: there is no check 'zoned': did you mean zones?\n"


def test_a_stack_must_be_named():
    told = preflight()

    assert told.returncode == 2
    assert "say which stack" in told.stderr


def test_the_policy_needs_neither_stack_nor_credentials():
    told = preflight("--policy", "--only", "zones")

    assert told.returncode == 0
    assert json.loads(told.stdout)["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["ec2:DescribeAvailabilityZones"],
            "Resource": "*",
        }
    ]


def test_the_list_says_why_each_check_is_made():
    told = preflight("--list", "--json")

    listed = json.loads(told.stdout)
    assert told.returncode == 0
    assert listed["model-units"]["why"] == "No account has any until a support case grants them (MOD-2)."
    assert all(row["fix"] and row["lead_time"] for row in listed.values())
