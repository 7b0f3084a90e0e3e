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
    code = {"agent.code.digest": digest, "agent.code.version": "v1"}
    return planned("prod", {"agent.host": "agentcore", "agent.image_digest": digest, **code})


def asked(account: Account) -> Report:
    return run(account.facts, chosen(["agent-code"]))


def test_it_is_missed_where_it_is_not(zipped: Plan):
    with mock_aws():
        account = Account(zipped)
        before = asked(account)
        uploaded = put(account, PRIMARY)
        put(account, STANDBY, key="another")
        after = asked(account)

    assert [(f.status, f.region) for f in before.findings] == [
        (Status.PROBLEM, PRIMARY),
        (Status.PROBLEM, STANDBY),
    ]
    assert all("Leave agent.code out" in f.fix for f in before.findings)
    assert uploaded != "v1"
    assert {f.region: f.status for f in after.findings} == {PRIMARY: Status.PROBLEM, STANDBY: Status.PROBLEM}
    assert "in version v1" in after.findings[0].verdict.sentence


def test_it_is_found_where_it_is(planned: Planned):
    with mock_aws():
        account = Account(planned("prod", {}))
        code = {"agent.code.digest": f"sha256:{DIGITS}", "agent.code.version": put(account, PRIMARY)}
        host = {"agent.host": "agentcore", "agent.image_digest": f"sha256:{DIGITS}"}
        zipped = planned("prod", {**host, **code})
        found = asked(Account(zipped)).findings

    assert {f.region: f.status for f in found} == {PRIMARY: Status.OK, STANDBY: Status.PROBLEM}


def put(account: Account, region: str, key: str = KEY) -> str:
    """Makes the region's bucket with a zip in it, and returns the version."""
    bucket = f"concierge-prod-agent-123456789012-{region}"
    place = {} if region == PRIMARY else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    client = account.client("s3", region)
    client.create_bucket(Bucket=bucket, **place)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return str(client.put_object(Bucket=bucket, Key=key, Body=b"zip")["VersionId"])


def test_where_an_image_runs_nothing_is_asked(prod: Plan):
    with mock_aws():
        assert asked(Account(prod)).findings == ()
