"""Whose credentials these are, and whether what is declared twice in an account is free."""

from collections.abc import Iterator

from plan.preflight.facts import Facts
from plan.preflight.model import Check, Verdict, ok, problem, warning
from plan.preflight.refusals import code


def _identity(facts: Facts, region: str) -> Iterator[Verdict]:
    found = facts.client("sts", region).get_caller_identity()
    who = str(found["Arn"]).rpartition(":")[2]
    wanted = facts.wishes.account
    if wanted is not None and found["Account"] != wanted:
        yield problem(f"these are credentials of {found['Account']} ({who}), not of {wanted}")
    elif wanted is None:
        yield ok(f"account {found['Account']} as {who}; --account ID holds it against one")
    else:
        yield ok(f"account {found['Account']} as {who}")


def _recorders(facts: Facts, region: str) -> Iterator[Verdict]:
    wanted = {r.inputs.get("name", "default") for r in facts.declared("cfg.Recorder", region)}
    found = facts.client("config", region).describe_configuration_recorders()["ConfigurationRecorders"]
    yield _single("Config recorder", [r["name"] for r in found if r["name"] not in wanted])


def _detectors(facts: Facts, region: str) -> Iterator[Verdict]:
    client = facts.client("guardduty", region)
    ids = client.list_detectors()["DetectorIds"]
    taken = [id_ for id_ in ids if not facts.owns(client.get_detector(DetectorId=id_).get("Tags", {}))]
    yield _single("GuardDuty detector", taken)


def _single(kind: str, taken: list[str]) -> Verdict:
    if not taken:
        return ok(f"no other {kind}")
    return problem(f"there is a {kind} already, {', '.join(taken)}: a region has one, `up` would fail")


def _log_role(facts: Facts, region: str) -> Iterator[Verdict]:
    """`up` would take the account's API Gateway logs away from whoever set this role."""
    present = facts.client("apigateway", region).get_account().get("cloudwatchRoleArn")
    if not present:
        yield ok("the account has no log role yet")
        return
    name = present.rpartition("/")[2]
    try:
        tags = facts.client("iam", region).list_role_tags(RoleName=name)["Tags"]
    except facts.client("iam", region).exceptions.ClientError as error:
        if code(error) != "NoSuchEntity":
            raise
        yield warning(f"the account's log role {name} is gone; `up` sets a new one")
        return
    if facts.owns(tags):
        yield ok(f"{name}, this stack's")
    else:
        yield problem(f"another stack's role {name} writes the account's logs; `up` would replace it")


CHECKS = (
    Check(
        id="account",
        title="Account",
        why="An environment put up in the wrong account is found by its bill.",
        fix="Choose the profile of the right account (AWS_PROFILE).",
        lead_time="minutes",
        look=_identity,
        actions=("sts:GetCallerIdentity",),
        everywhere=False,
    ),
    Check(
        id="config-recorder",
        title="Config recorder",
        why="A region has one configuration recorder; a second cannot be made.",
        fix="Set operations.rules.recorder: existing.",
        lead_time="an hour",
        look=_recorders,
        actions=("config:DescribeConfigurationRecorders",),
        types=("cfg.Recorder",),
    ),
    Check(
        id="guardduty-detector",
        title="GuardDuty detector",
        why="A region has one detector; a second cannot be made.",
        fix="Import the one there is with `pulumi import`, or leave it out of this stack.",
        lead_time="an hour",
        look=_detectors,
        actions=("guardduty:ListDetectors", "guardduty:GetDetector"),
        types=("guardduty.Detector",),
    ),
    Check(
        id="gateway-log-role",
        title="API Gateway log role",
        why="One role writes the logs of all APIs of an account and region.",
        fix="Set gateway.account_log_role: false in this stack's file: the role there is serves it too.",
        lead_time="minutes",
        look=_log_role,
        actions=("apigateway:GET", "iam:ListRoleTags"),
        types=("apigateway.Account",),
    ),
)
