"""The whole estate: one provider and one region after another."""

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.documents import InventoryDocument, InventoryDocumentArgs
from stacks.region import RegionStack
from stacks.settings import RegionSettings, Settings


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
    regions = {
        role: RegionStack(role, stack, settings, place, _provider(role, place, tags))
        for role, place in settings.places.items()
    }
    inventory = Output.json_dumps(
        {"environment": stack, "regions": {role: region.inventory() for role, region in regions.items()}}
    )
    for role, region in regions.items():
        # Every region holds the names of all: when one is lost, the other must know what to move.
        InventoryDocument(
            f"{role}-inventory",
            InventoryDocumentArgs(
                environment=stack,
                region=region.place.name,
                account_id=region.account_id,
                content=inventory,
                protect=settings.environment.protect,
            ),
            pulumi.ResourceOptions(parent=region),
        )
        pulumi.export(f"{role}_region", region.place.name)
        pulumi.export(f"{role}_vpc_id", region.network.vpc_id)
    pulumi.export("inventory", inventory)


def _provider(role: str, place: RegionSettings, tags: dict[str, str]) -> aws.Provider:
    return aws.Provider(
        f"aws-{role}",
        region=place.name,
        default_tags=aws.ProviderDefaultTagsArgs(tags={**tags, "Region": role}),
    )
