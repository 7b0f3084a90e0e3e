"""Where AgentCore runs a zip, the zip must be in the bucket of each region."""

import pytest
from moto import mock_aws

from plan import Plan
from plan.preflight import Report, Status, chosen, run
from tests.conftest import Planned
from tests.plan.preflight.account_helpers import PRIMARY, STANDBY, Account

DIGITS = "4f" * 32
KEY = f"code/{DIGITS}.zip"


@pytest.fixture
def zipped(planned: Planned) -> Plan:
    digest = f"sha256:{DIGITS}"
    return planned(
        "prod", {"agent.host": "agentcore", "agent.image_digest": digest, "agent.code_digest": digest}
    )


def asked(account: Account) -> Report:
    return run(account.facts, chosen(["agent-code"]))


def test_it_is_missed_where_it_is_not_and_found_where_it_is(zipped: Plan):
    with mock_aws():
        account = Account(zipped)
        before = asked(account)
        for region in (PRIMARY, STANDBY):
            bucket = f"concierge-prod-agent-123456789012-{region}"
            place = {} if region == PRIMARY else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            account.client("s3", region).create_bucket(Bucket=bucket, **place)
        account.client("s3", PRIMARY).put_object(
            Bucket=f"concierge-prod-agent-123456789012-{PRIMARY}", Key=KEY, Body=b"zip"
        )
        after = asked(account)

    assert [(f.status, f.region) for f in before.findings] == [
        (Status.PROBLEM, PRIMARY),
        (Status.PROBLEM, STANDBY),
    ]
    assert all("Leave agent.code_digest out" in f.fix for f in before.findings)
    assert {f.region: f.status for f in after.findings} == {PRIMARY: Status.OK, STANDBY: Status.PROBLEM}


def test_where_an_image_runs_nothing_is_asked(prod: Plan):
    with mock_aws():
        assert asked(Account(prod)).findings == ()
