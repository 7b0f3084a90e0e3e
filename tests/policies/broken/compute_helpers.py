"""One thing broken at a time, for the rules of `policies/rules/compute.py`."""

from tests.policies.breaking_helpers import (
    CACHE,
    RUNTIME,
    SCAN,
    SERVICE,
    TASK,
    Case,
    case,
    dropping,
    in_container,
    setting,
)

CASES: list[Case] = [
    # Compute.
    case("tasks on x86", "arm64", dropping(TASK, "runtimePlatform")),
    case("a function on x86", "arm64", setting(SCAN, "architectures", ["x86_64"])),
    case("a cache on x86", "arm64", setting(CACHE, "nodeType", "cache.r7i.large")),
    case(
        "builds on x86",
        "arm64",
        setting("codebuild.Project primary-delivery-image-project", "environment.type", "LINUX_CONTAINER"),
        "full",
    ),
    case("an image by tag", "image-digest", in_container(image="repository/agent:latest")),
    case(
        "an AgentCore image by tag",
        "image-digest",
        setting(RUNTIME, "agentRuntimeArtifact.containerConfiguration.containerUri", "repository/agent:v1"),
        "full",
    ),
    case(
        "a model's image by tag",
        "image-digest",
        setting(
            "sagemaker.Model primary-inference-intent-serves-model", "primaryContainer.image", "models:1"
        ),
        "full",
    ),
    case(
        "an endpoint that follows the newest",
        "code-pinned",
        dropping("bedrock.AgentcoreAgentRuntimeEndpoint primary-agent-core-chat-live", "agentRuntimeVersion"),
        "full",
    ),
    case("code in S3 without its version", "code-pinned", setting(SCAN, "s3Bucket", "code")),
    case("a container as root", "container-confined", in_container(user="0")),
    case("a container that writes", "container-confined", in_container(readonlyRootFilesystem=False)),
    case("a privileged container", "container-confined", in_container(privileged=True)),
    case("a shell in tasks", "no-shell", setting(SERVICE, "enableExecuteCommand", True)),
    case(
        "tags that move",
        "images-immutable",
        setting("ecr.Repository primary-registry-images", "imageTagMutability", "MUTABLE"),
    ),
    case(
        "images nobody scans",
        "images-immutable",
        setting("ecr.Repository primary-registry-images", "imageScanningConfiguration.scanOnPush", False),
    ),
    case(
        "a rollout that stays broken",
        "rollout-returns",
        setting(SERVICE, "deploymentCircuitBreaker.rollback", False),
    ),
    case("a rollout without its alarm", "rollout-returns", setting(SERVICE, "alarms.enable", False)),
    case(
        "a service in one zone",
        "service-spread",
        lambda draft: draft.edit(SERVICE, "networkConfiguration.subnets", lambda subnets: subnets[:1]),
    ),
]
