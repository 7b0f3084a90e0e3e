"""What runs: on Graviton, from pinned code, with little power, and rolled out so that it can come back."""

import json
import re
from collections.abc import Iterator
from typing import Any

from policies.rule import Faults, each
from policies.view import Node, dig

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
# r7g.2xlarge, cache.t4g.micro, r8gd.large: the family's letter g stands after its generation.
GRAVITON = re.compile(r"(?:^|\.)[a-z]+\d+g[a-z]*\.")

# The load generator serves nobody, and stands only while a test runs: its tasks write results, a
# person starts the test in one of them, and nobody is called when one is lost (components/load_fleet.py).
FLEET = "Fleet"


def containers(definition: Node) -> list[dict[str, Any]]:
    """The containers of a task definition."""
    raw = definition.get("containerDefinitions")
    found = json.loads(raw) if isinstance(raw, str) else raw
    return found if isinstance(found, list) else []


@each(
    "arm64",
    "RUN-19",
    "ecs.TaskDefinition",
    "lambda.Function",
    "elasticache.ReplicationGroup",
    "codebuild.Project",
    "ec2.Instance",
    "ec2.LaunchTemplate",
    "dax.Cluster",
    "neptune.ClusterInstance",
    why="The image is built for ARM64: anywhere else it does not start. And Graviton costs a fifth less.",
    fix="choose ARM64 (architecture, runtime_platform) or a Graviton family (a g after its generation: r7g)",
)
def arm64(node: Node) -> Faults:
    """Whatever may choose its processor runs on Graviton."""
    if node.short == "ecs.TaskDefinition":
        if node.get("runtimePlatform.cpuArchitecture") != "ARM64":
            yield f"tasks run on {node.get('runtimePlatform.cpuArchitecture') or 'X86_64'}"
    elif node.short == "lambda.Function":
        if node.get("architectures") != ["arm64"]:
            yield "the function runs on x86_64"
    elif node.short == "codebuild.Project":
        if not str(node.get("environment.type")).startswith("ARM"):
            yield f"builds run on {node.get('environment.type')}"
    else:
        yield from (f"{kind} is no Graviton type" for kind in _machines(node) if not GRAVITON.search(kind))


def _machines(node: Node) -> Iterator[str]:
    paths = ("nodeType", "nodeTypeName", "instanceType", "instanceClass")
    yield from (kind for path in paths if isinstance(kind := node.get(path), str))


@each(
    "image-digest",
    "RUN-19",
    "ecs.TaskDefinition",
    "lambda.Function",
    "sagemaker.Model",
    "bedrock.AgentcoreAgentRuntime",
    why="A tag can be moved: what was tested and what runs would no longer be the same.",
    fix="give the image as repository@sha256:digest, as the build prints it",
)
def image_digest(node: Node) -> Faults:
    """Images are named by digest, never by tag."""
    for image in _images(node):
        if not _DIGEST.search(image):
            yield f"{image.rpartition('/')[2]} is not pinned by digest"


def _images(node: Node) -> Iterator[str]:
    if node.short == "ecs.TaskDefinition":
        found = [container.get("image") for container in containers(node)]
    elif node.short == "sagemaker.Model":
        holders = [node.get("primaryContainer"), *node.list("containers")]
        found = [dig(holder, "image") for holder in holders if holder]
    else:
        artifact = "agentRuntimeArtifact.containerConfiguration.containerUri"
        found = [node.get("imageUri"), node.get(artifact)]
    yield from (image for image in found if isinstance(image, str))


@each(
    "code-pinned",
    "RUN-19",
    "lambda.Function",
    "bedrock.AgentcoreAgentRuntime",
    "bedrock.AgentcoreAgentRuntimeEndpoint",
    why="An unpinned archive or endpoint keeps serving old code, or serves new code nobody rolled out.",
    fix="name the version: s3_object_version, version_id, agent_runtime_version",
)
def code_pinned(node: Node) -> Faults:
    """Archives are named with their version, and endpoints point at one version."""
    if node.short == "bedrock.AgentcoreAgentRuntimeEndpoint":
        if not node.raw("agentRuntimeVersion"):
            yield "the endpoint follows whatever version is newest"
    elif node.short == "lambda.Function":
        if node.raw("s3Bucket") and not node.raw("s3ObjectVersion"):
            yield "the archive in S3 is named without its version"
    else:
        code = node.get("agentRuntimeArtifact.codeConfiguration.code.s3")
        if code and not dig(code, "versionId"):
            yield "the archive in S3 is named without its version"


@each(
    "container-confined",
    "RUN-19",
    "ecs.TaskDefinition",
    why="Model output reaches parsers in there: a break-in must find no rights and nothing to write to.",
    fix="user, readonlyRootFilesystem, capabilities.drop ALL, as components/container.py sets them",
)
def container_confined(definition: Node) -> Faults:
    """Containers run as a user without rights, on a filesystem they cannot write."""
    for container in containers(definition):
        name = container.get("name")
        if str(container.get("user", "root")).split(":")[0] in {"", "0", "root"}:
            yield f"container {name} runs as root"
        if container.get("readonlyRootFilesystem") is not True and not definition.within(FLEET):
            yield f"container {name} can write to its filesystem"
        if container.get("privileged") is True:
            yield f"container {name} is privileged"


@each(
    "no-shell",
    "RUN-13",
    "ecs.Service",
    why="A shell in a task reads customers' messages out of memory, past every redaction.",
    fix="set enable_execute_command=False; runbooks use controls and logs",
    elsewhere="advisory",
)
def no_shell(service: Node) -> Faults:
    """Nobody can open a shell in a running task."""
    if service.get("enableExecuteCommand") is True and not service.within(FLEET):
        yield "execute-command is on"


@each(
    "images-immutable",
    "RUN-19",
    "ecr.Repository",
    why="A tag that can be overwritten and an image nobody scanned are the two ways bad code gets in.",
    fix='image_tag_mutability="IMMUTABLE", scan_on_push=True',
)
def images_immutable(repository: Node) -> Faults:
    """Repositories keep tags as they are, and scan what is pushed."""
    if repository.get("imageTagMutability") != "IMMUTABLE":
        yield "tags can be overwritten"
    if repository.get("imageScanningConfiguration.scanOnPush") is not True:
        yield "images are not scanned when pushed"


@each(
    "rollout-returns",
    "RUN-20",
    "ecs.Service",
    why="A bad version must go back before anybody is called: at night nobody looks at a rollout.",
    fix="deployment_circuit_breaker and alarms with enable and rollback (components/service.py)",
)
def rollout_returns(service: Node) -> Faults:
    """A rollout goes back by itself when tasks do not start or its alarm fires."""
    if service.within(FLEET):
        return
    breaker = service.get("deploymentCircuitBreaker") or {}
    if not (dig(breaker, "enable") is True and dig(breaker, "rollback") is True):
        yield "a version that does not start is not rolled back"
    alarms = service.get("alarms") or {}
    watched = dig(alarms, "enable") is True and dig(alarms, "rollback") is True
    if not (watched and dig(alarms, "alarmNames")):
        yield "no alarm rolls a rollout back"


@each(
    "service-spread",
    "RUN-20",
    "ecs.Service",
    why="Tasks in one zone are lost together with it.",
    fix="place the service in the private subnets of all zones",
    elsewhere="advisory",
)
def service_spread(service: Node) -> Faults:
    """A service stands in at least two zones."""
    if len(set(service.list("networkConfiguration.subnets"))) < 2:
        yield "it stands in one subnet only"


RULES = (
    arm64,
    image_digest,
    code_pinned,
    container_confined,
    no_shell,
    images_immutable,
    rollout_returns,
    service_spread,
)
