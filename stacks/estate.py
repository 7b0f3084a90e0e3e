"""The whole estate: one provider and one region after another."""

import pulumi
import pulumi_aws as aws

from stacks.region import RegionStack
from stacks.settings import Settings


def build(settings: Settings, *, project: str, stack: str) -> None:
    """Declares everything. Tags are set here, once, through the providers."""
    for warning in settings.warnings():
        pulumi.log.warn(warning)
    tags = {
        "Project": project,
        "Stack": stack,
        "Owner": settings.environment.owner,
        "ManagedBy": "pulumi",
    }
    for role, place in settings.places.items():
        provider = aws.Provider(
            f"aws-{role}",
            region=place.name,
            default_tags=aws.ProviderDefaultTagsArgs(tags={**tags, "Region": role}),
        )
        region = RegionStack(role, settings, place, provider)
        pulumi.export(f"{role}_region", place.name)
        pulumi.export(f"{role}_vpc_id", region.network.vpc_id)
