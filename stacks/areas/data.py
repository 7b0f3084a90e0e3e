"""What a region keeps: buckets, tables, tickets, the cache, the stream (DATA-1 to DATA-7)."""

from dataclasses import dataclass

from components.alarms import Watched
from components.buckets import Buckets, BucketsArgs
from components.cache import Cache, CacheArgs
from components.stream import Stream, StreamArgs
from components.table_replicas import TableReplicas, TableReplicasArgs
from components.tables import Standby, Tables, TablesArgs
from components.tickets import Tickets, TicketsArgs
from stacks.areas.ground import Ground
from stacks.site import Site


@dataclass(frozen=True, kw_only=True)
class Data:
    """The stores of one region; `site` says which."""

    site: Site
    buckets: Buckets
    tables: Tables | TableReplicas
    tickets: Tickets
    cache: Cache
    stream: Stream | None

    @property
    def watched(self) -> list[Watched | None]:
        return [self.tables, self.buckets, self.tickets, self.cache, self.stream]


def keep(site: Site, ground: Ground, standby: Data | None) -> Data:
    """`standby` is given to the primary, which copies its data there."""
    buckets = Buckets(
        site.named("buckets"),
        BucketsArgs(
            environment=site.environment,
            place=site.place,
            key_arn=site.keys["objects"],
            copies=standby.buckets.copies if standby else None,
            protect=site.guarded,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )
    return Data(
        site=site,
        buckets=buckets,
        tables=_tables(site, standby),
        tickets=Tickets(
            site.named("tickets"),
            TicketsArgs(environment=site.environment, key_arn=site.keys["tables"]),
            site.inside,
        ),
        cache=_cache(site, ground),
        stream=_stream(site, buckets) if site.settings.data.analytics.enabled else None,
    )


def _tables(site: Site, standby: Data | None) -> Tables | TableReplicas:
    """The primary declares the standby's replicas as part of its tables."""
    if site.role == "standby":
        args = TableReplicasArgs(environment=site.environment, place=site.place)
        return TableReplicas(site.named("tables"), args, site.inside)
    replicas = Standby(region=standby.site.chosen.name, key_arns=standby.site.keys) if standby else None
    return Tables(
        site.named("tables"),
        TablesArgs(environment=site.environment, protect=site.guarded, key_arns=site.keys, standby=replicas),
        site.inside,
    )


def _cache(site: Site, ground: Ground) -> Cache:
    return Cache(
        site.named("cache"),
        CacheArgs(
            environment=site.environment,
            subnet_ids=ground.network.isolated_subnet_ids,
            security_group_id=ground.groups.ids["cache"],
            key_arn=site.keys["cache"],
            log_key_arn=site.keys["logs"],
            protect=site.guarded,
            **site.settings.data.cache.model_dump(),
        ),
        site.inside,
    )


def _stream(site: Site, buckets: Buckets) -> Stream:
    analytics = site.settings.data.analytics
    return Stream(
        site.named("stream"),
        StreamArgs(
            environment=site.environment,
            place=site.place,
            shards=analytics.shards,
            keep_hours=analytics.keep_hours,
            archive_arn=buckets.arns["archive"],
            archive_key_arn=site.keys["objects"],
            key_arn=site.keys["analytics"],
            log_key_arn=site.keys["logs"],
            log_days=analytics.log_days,
            protect=site.guarded,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )
