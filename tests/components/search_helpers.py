"""A search domain with what belongs to it, as a plan."""

from functools import cache
from typing import Any

import pulumi

from components.alarms import Watch
from components.search import Search, SearchArgs, Warm
from components.search_service_role import SearchServiceRole
from components.search_snapshots import SearchSnapshots, SearchSnapshotsArgs
from contract.alarms import Widget
from plan import Plan
from tests.components.data_helpers import ACCOUNT, options, place, planned

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
DOMAIN = f"arn:aws:es:us-east-1:{ACCOUNT}:domain/concierge-shop-search"
KEYS = {data: f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{data}" for data in ("search", "objects", "logs")}
LARGE: dict[str, Any] = {
    "zones": 3,
    "node_type": "r7g.2xlarge.search",
    "nodes": 3,
    "standby_zone": True,
    "masters": 3,
    "master_type": "m7g.large.search",
    "volume_gb": 100,
    "warm": Warm(nodes=0, type="ultrawarm1.medium.search"),
    "auto_tune": True,
    "protect": True,
}
SMALL: dict[str, Any] = {
    **LARGE,
    "zones": 1,
    "node_type": "t3.small.search",
    "nodes": 1,
    "standby_zone": False,
    "masters": 0,
    "volume_gb": 10,
    "auto_tune": False,
    "protect": False,
}


def args(after: list[pulumi.Resource], **parts: Any) -> SearchArgs:
    usual: dict[str, Any] = {
        "environment": "shop",
        "place": place("primary"),
        "version": "2.19",
        "quiet_hour": 7,
        "log_days": 30,
        "subnet_ids": ["subnet-a", "subnet-b", "subnet-c"],
        "security_group_id": "sg-search",
        "key_arn": KEYS["search"],
        "log_key_arn": KEYS["logs"],
        "readers": ["shop-chat"],
        "writers": ["shop-ingest"],
        "master": "shop-search-master",
        "after": after,
    }
    return SearchArgs(**{**usual, **parts})


class Seen:
    """What a program saw besides its plan."""

    plan: Plan
    watches: list[Watch]
    widgets: list[Widget]


def build(**parts: Any) -> Seen:
    """A domain with these differences."""
    seen = Seen()

    def program() -> None:
        opts = options(["primary"])["primary"]
        role = SearchServiceRole("search-role", opts)
        made = Search("primary-search", args([role.role], **parts), opts)
        SearchSnapshots(
            "primary-snapshots",
            SearchSnapshotsArgs(
                environment="shop",
                place=place("primary"),
                domain_arn=made.arn,
                key_arn=KEYS["objects"],
                log_to="logs",
                protect=parts["protect"],
                boundary_arn=BOUNDARY,
            ),
            opts,
        )
        grants = (made.reads(), made.writes(), made.administers())
        pulumi.export("grants", [grant.statement() for grant in grants])
        seen.watches, seen.widgets = made.alarms(), made.widgets()

    seen.plan = planned(program)
    return seen


@cache
def large() -> Seen:
    return build(**LARGE)


@cache
def small() -> Seen:
    return build(**SMALL)
