"""Telling people: the pager, AWS Support. Worth trying, never in the way of a fix."""

from runbooks.engine.shape import Call
from runbooks.engine.steps import Once
from runbooks.engine.world import World


def page(runbook: str, text: str) -> Once:
    """Wakes whoever the page topic wakes."""

    def call(world: World, _: str) -> Call:
        request = {
            "TopicArn": world.named("topics", "page"),
            "Subject": f"{runbook} ({world.environment})",
            "Message": f"{text} Do: concierge runbook run {runbook} --stack {world.environment}",
        }
        return Call(service="sns", operation="publish", request=request)

    return Once(
        name="page the owner",
        effect="a second person looks",
        subjects=lambda _: (runbook,),
        done=lambda _, __: False,
        call=call,
        calls=("sns.publish",),
        after="paged",
        no_undo="a page cannot be taken back: tell them",
        optional=True,
    )


def support_case(subject: str, service: str, category: str) -> Once:
    """A case with AWS, one at a time. Support answers in us-east-1 only, and needs a plan that has it."""

    def title(world: World) -> str:
        return f"{subject} in {world.here.region}"

    def done(world: World, _: str) -> bool:
        here = world.aws.elsewhere("us-east-1")
        cases = here.read("support", "describe_cases", includeResolvedCases=False)["cases"]
        return any(case.get("subject") == title(world) for case in cases)

    def call(world: World, _: str) -> Call:
        request = {
            "subject": title(world),
            "serviceCode": service,
            "categoryCode": category,
            "severityCode": "urgent",
            "communicationBody": f"{subject}. Findings: "
            + "; ".join(finding.what for finding in world.findings.values()),
            "language": "en",
        }
        return Call(service="support", operation="create_case", request=request)

    return Once(
        name="open a support case",
        effect="AWS looks as well",
        subjects=lambda _: ("case",),
        done=done,
        call=call,
        calls=("support.describe_cases", "support.create_case"),
        after="open",
        no_undo="close the case in the support console",
        optional=True,
    )
