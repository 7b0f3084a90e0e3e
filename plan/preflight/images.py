"""Whether every image and every zip the plan starts lies in its own region (RUN-19)."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from plan.preflight.facts import Facts
from plan.preflight.model import Check, Verdict, ok, problem, warning
from plan.preflight.refusals import code

_OURS = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[\w-]+)\.[\w.]+/(?P<name>[^@:]+)@(?P<digest>sha256:\w{64})"
)


class Image(NamedTuple):
    """One image by its digest."""

    region: str
    name: str
    digest: str


def images(facts: Facts, region: str) -> list[Image]:
    """Images of an ECR registry that tasks of this region start."""
    found = set()
    for definition in facts.declared("ecs.TaskDefinition", region):
        for container in json.loads(definition.inputs["containerDefinitions"]):
            if match := _OURS.fullmatch(container["image"]):
                found.add(Image(match["region"], match["name"], match["digest"]))
    return sorted(found)


def _look(facts: Facts, region: str) -> Iterator[Verdict]:
    for image in images(facts, region):
        if not image.digest.partition(":")[2].strip("0"):
            yield warning(f"{image.name}: no image is set, so no task will start")
            continue
        if image.region != region:
            yield problem(f"{image.name} is pulled from {image.region}: losing it stops new tasks here")
            continue
        yield _lies(facts, image)


def _lies(facts: Facts, image: Image) -> Verdict:
    client = facts.client("ecr", image.region)
    short = f"{image.name}@{image.digest[:19]}"
    try:
        client.describe_images(repositoryName=image.name, imageIds=[{"imageDigest": image.digest}])
    except client.exceptions.ClientError as error:
        match code(error):
            case "ImageNotFoundException":
                return problem(f"{short} is not in the registry of {image.region}")
            case "RepositoryNotFoundException":
                return problem(
                    f"{image.name} does not exist in {image.region} yet, so no image can be in it",
                    "Leave agent.image_digest out of the first `up`, then push and set it.",
                )
        raise
    return ok(short)


def _look_for_code(facts: Facts, region: str) -> Iterator[Verdict]:
    """Runtimes that run a zip: all of a region run the same one."""
    found = set()
    for runtime in facts.declared("bedrock.AgentcoreAgentRuntime", region):
        place = runtime.inputs["agentRuntimeArtifact"].get("codeConfiguration", {}).get("code", {}).get("s3")
        if place:
            found.add((facts.real(place["bucket"]), place["prefix"], place["versionId"]))
    for bucket, key, version in sorted(found):
        yield _holds(facts, region, bucket, key, version)


def _holds(facts: Facts, region: str, bucket: str, key: str, version: str) -> Verdict:
    client = facts.client("s3", region)
    try:
        held = client.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", ())
    except client.exceptions.NoSuchBucket:
        return problem(
            f"{bucket} does not exist yet, so no zip can be in it",
            "Leave agent.code out of the first `up`, then copy the zip and set it.",
        )
    if (key, version) in {(each["Key"], each["VersionId"]) for each in held}:
        return ok(f"{key[:16]}...zip")
    return problem(f"{key} is not in {bucket} in version {version}")


CHECKS = (
    Check(
        id="images",
        title="Image",
        why="A digest that is missing in one registry shows only when that region must start tasks.",
        fix="Push the image to this region's repository and set agent.image_digest.",
        lead_time="a quarter of an hour",
        look=_look,
        actions=("ecr:DescribeImages",),
        types=("ecs.TaskDefinition",),
    ),
    Check(
        id="agent-code",
        title="Agent's zip",
        why="AgentCore refuses a runtime whose code is not there, in the middle of an `up`.",
        fix="`concierge package` says where to copy it; the standby's bucket gets it from the primary's.",
        lead_time="a minute",
        look=_look_for_code,
        actions=("s3:ListBucketVersions",),
        types=("bedrock.AgentcoreAgentRuntime",),
    ),
)
