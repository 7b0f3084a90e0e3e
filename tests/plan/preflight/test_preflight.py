"""What is wrong with an account is found, and nothing is found that is not wrong."""

import pytest

from plan.preflight import Report, Status, catalogue, chosen, run
from plan.preflight.policy import document
from tests.plan.preflight.account_helpers import PRIMARY, STANDBY, Account
from tests.plan.preflight.planting_helpers import PLANTED


def told(report: Report, status: Status) -> set[tuple[str, str | None]]:
    return {(f.check.id, f.region) for f in report.findings if f.status is status}


def test_an_account_that_has_all_is_ready(account: Account):
    report = run(account.facts)

    assert [f for f in report.findings if f.status is not Status.OK] == []
    assert report.exit_code == 0
    assert report.account == "123456789012"


def test_all_that_is_planted_is_found_and_nothing_else(account: Account):
    """All at once, as a new account would be; each in the region it was planted in."""
    for plant in PLANTED:
        plant(account)

    report = run(account.facts)

    assert told(report, Status.PROBLEM) == set().union(*PLANTED.values())
    assert told(report, Status.UNKNOWN) == set()
    assert report.exit_code == 1


def test_every_problem_says_what_to_do_and_how_long_it_takes(account: Account):
    for plant in PLANTED:
        plant(account)

    for finding in run(account.facts).findings:
        if finding.status is Status.PROBLEM:
            assert finding.fix and finding.lead_time, finding


def test_what_this_stack_put_up_itself_is_no_conflict(account: Account):
    """A second `up` finds its own bucket, table and secret."""
    tags = [{"Key": "Project", "Value": "concierge"}, {"Key": "Stack", "Value": "prod"}]
    bucket = "concierge-prod-documents-123456789012-us-east-1"
    account.client("s3").create_bucket(Bucket=bucket)
    account.client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    account.client("dynamodb").create_table(
        TableName="concierge-prod-feedback",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=tags,
    )
    account.client("secretsmanager").create_secret(
        Name="concierge-prod-keys-1", SecretString="value", Tags=tags
    )

    report = run(account.facts, chosen(["bucket-names", "table-names", "secrets"]))

    assert told(report, Status.PROBLEM) == set()
    assert "concierge-prod-keys-1 has a current value" in {f.verdict.sentence for f in report.findings}


def test_a_table_without_its_copy_is_told(account: Account):
    account.client("dynamodb").create_table(
        TableName="concierge-prod-orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    report = run(account.facts, chosen(["standby-tables"]))

    assert [f.verdict.sentence for f in report.findings] == [
        "concierge-prod-orders: its copy in us-west-2 is missing"
    ]


def test_without_a_peak_the_models_quotas_are_not_known_to_be_enough(account: Account):
    account.wishes = type(account.wishes)()

    report = run(account.facts, chosen(["model-quota"]))

    assert told(report, Status.UNKNOWN) == {("model-quota", PRIMARY), ("model-quota", STANDBY)}
    assert "--messages-per-second" in report.findings[0].fix
    assert report.exit_code == 3


@pytest.mark.parametrize(
    ("code", "message", "action"),
    [
        ("AccessDenied", "User: x is not authorized to perform: iam:GetRole on resource", "iam:GetRole"),
        ("AccessDeniedException", "", "iam:GetRole"),
    ],
)
def test_a_denied_check_is_unknown_and_names_what_to_grant(
    account: Account, code: str, message: str, action: str
):
    account.refuse("iam", "GetRole", code, message)

    report = run(account.facts, chosen(["role-ecs"]))

    [finding] = report.findings
    assert finding.status is Status.UNKNOWN
    assert finding.verdict.sentence == f"could not check: access denied to {action}"
    assert action in finding.fix
    assert report.exit_code == 3


def test_what_was_found_before_a_refusal_is_still_told(account: Account):
    """One unknown does not hide the problem beside it."""
    next(plant for plant, found in PLANTED.items() if ("hosted-zone", None) in found)(account)
    account.refuse("iam", "GetRole", "AccessDenied")

    report = run(account.facts, chosen(["hosted-zone", "role-ecs"]))

    assert [f.status for f in report.findings] == [Status.PROBLEM, Status.UNKNOWN]
    assert report.exit_code == 1


# IAM's names, where they are not the operation's.
RENAMED = {
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("apigateway", "GetAccount"): "apigateway:GET",
    ("budgets", "DescribeBudgets"): "budgets:ViewBudget",
    ("service-quotas", "GetServiceQuota"): "servicequotas:GetServiceQuota",
    ("service-quotas", "GetAWSDefaultServiceQuota"): "servicequotas:GetAWSDefaultServiceQuota",
    ("service-quotas", "ListServiceQuotas"): "servicequotas:ListServiceQuotas",
    ("service-quotas", "ListAWSDefaultServiceQuotas"): "servicequotas:ListAWSDefaultServiceQuotas",
}
READS = ("Get", "List", "Describe", "Head", "View", "GET")


def test_the_policy_allows_every_call_that_is_made_and_nothing_that_changes(account: Account):
    """Asked of an account with everything wrong, so that the checks look as deep as they can."""
    for plant in PLANTED:
        plant(account)
    account.calls.clear()
    run(account.facts)

    policy = document(catalogue().values())
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}

    assert {RENAMED.get(call, f"{call[0]}:{call[1]}") for call in account.calls} - allowed == set()
    assert [action for action in allowed if not action.partition(":")[2].startswith(READS)] == []
