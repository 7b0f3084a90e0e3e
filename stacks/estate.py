"""The whole estate: one provider and one region after another."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.documents import InventoryDocument, InventoryDocumentArgs
from components.keys import SHARED, Keys, KeysArgs
from components.search_service_role import SearchServiceRole
from stacks import inventory as inventories
from stacks.region import RegionStack
from stacks.settings import RegionSettings, Settings
from stacks.site import standing
from stacks.world import REGION as WORLD
from stacks.world import World


@dataclass(frozen=True)
class Estate:
    """What was declared."""

    world: World
    regions: Mapping[str, RegionStack]


def build(settings: Settings, *, project: str, stack: str) -> Estate:
    """Declares everything. Tags are set here, once, through the providers."""
    for warning in settings.warnings():
        pulumi.log.warn(warning)
    tags = {
        "Project": project,
        "Stack": stack,
        "Owner": settings.environment.owner,
        "ManagedBy": "pulumi",
    }
    providers = {role: _provider(role, place.name, tags) for role, place in settings.places.items()}
    keys: dict[str, Keys] = {}
    for role, place in settings.places.items():
        # The primary comes first: its key that wraps customers' keys has a replica in the standby.
        keys[role] = _keys(role, stack, settings, place, providers[role], keys.get("primary"))
    secret_keys = {place.name: keys[role].arns["secrets"] for role, place in settings.places.items()}
    world = World(stack, settings, _provider("world", WORLD, tags), secret_keys)
    search_role = _search_role(settings, providers["primary"])
    # The standby comes first: the primary copies its tables and buckets there.
    regions = {
        role: RegionStack(role, stack, settings, place, providers[role], keys[role])
        for role, place in reversed([*settings.places.items()])
    }
    for role, region in regions.items():
        other = next((each for name, each in regions.items() if name != role), None)
        region.stand(world, other, search_role)
    if settings.edge.enabled:
        world.open_door(regions)
    for role, region in regions.items():
        region.show(world.watched if role == "primary" else [])
    _tell(stack, settings, regions, world)
    return Estate(world, regions)


def _tell(stack: str, settings: Settings, regions: dict[str, RegionStack], world: World) -> None:
    """Every region holds the names of all: when one is lost, the other must know what to move."""
    told = {role: inventories.of(region, world) for role, region in regions.items()}
    inventory = Output.json_dumps({"environment": stack, "regions": told})
    for role, region in regions.items():
        InventoryDocument(
            f"{role}-inventory",
            InventoryDocumentArgs(
                environment=stack,
                place=region.site.place,
                content=inventory,
                log_to=region.data.buckets.names["access-logs"],
                protect=settings.environment.protect,
            ),
            pulumi.ResourceOptions(parent=region),
        )
        pulumi.export(f"{role}_region", region.place.name)
        pulumi.export(f"{role}_vpc_id", region.ground.network.vpc_id)
    pulumi.export("inventory", inventory)


def _search_role(settings: Settings, provider: aws.Provider) -> SearchServiceRole | None:
    """An account has one, whatever its regions."""
    if not settings.search.create_service_role:
        return None
    return SearchServiceRole("search-role", pulumi.ResourceOptions(providers=[provider]))


def _keys(
    role: str,
    stack: str,
    settings: Settings,
    place: RegionSettings,
    provider: aws.Provider,
    primary: Keys | None,
) -> Keys:
    return Keys(
        f"{role}-keys",
        KeysArgs(
            environment=stack,
            place=standing(provider, place.name),
            regions=[each.name for each in settings.places.values()],
            shared_key=primary.arns[SHARED] if primary else None,
            protect=settings.environment.protect,
        ),
        pulumi.ResourceOptions(providers=[provider]),
    )


def _provider(role: str, region: str, tags: dict[str, str]) -> aws.Provider:
    return aws.Provider(
        f"aws-{role}",
        region=region,
        default_tags=aws.ProviderDefaultTagsArgs(tags={**tags, "Region": role}),
    )
