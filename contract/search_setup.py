"""The calls that make an empty search domain ours, in order (VEC-1, VEC-2, DATA-8).

Who may do what within it, the audit, the index template, and where snapshots go. Signed by the domain's
master role; sending them is the business of who has that role. Each may be repeated, but the last answers 409
when its policy already stands. What the index looks like is in `contract.search`.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from contract.base import Knobs
from contract.search import SearchIndex, template


class Snapshots(Knobs):
    """When, and for how long."""

    repository: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    cron: str
    keep_days: int = Field(gt=0)


class Role(Knobs):
    """What a role may do in the cluster and on the index."""

    what: str
    cluster: tuple[str, ...] = Field(strict=False)
    index: tuple[str, ...] = Field(strict=False, min_length=1)


class Setup(Knobs):
    """The whole table."""

    snapshots: Snapshots
    roles: Mapping[Literal["reader", "writer"], Role]


@dataclass(frozen=True)
class Call:
    """One request to the domain."""

    method: Literal["PUT", "PATCH", "POST"]
    path: str
    body: Any


@dataclass(frozen=True, kw_only=True)
class Domain:
    """What is only known of a domain where it stands. `readers` and `writers` are ARNs of IAM roles."""

    version: str
    replicas: int
    region: str
    bucket: str
    snapshot_role_arn: str
    readers: Sequence[str]
    writers: Sequence[str]


@cache
def setup() -> Setup:
    """The table of this checkout."""
    text = Path(__file__).with_name("search_setup.toml").read_text(encoding="utf-8")
    return Setup.model_validate(tomllib.loads(text))


def calls(index: SearchIndex, domain: Domain) -> tuple[Call, ...]:
    """Rights first: nobody else can do anything before they stand."""
    security = "_plugins/_security/api"
    mapped = {"reader": domain.readers, "writer": domain.writers}
    rights = [
        call
        for name, role in setup().roles.items()
        for call in (
            Call("PUT", f"{security}/roles/{index.name}-{name}", _role(index, role)),
            Call(
                "PUT",
                f"{security}/rolesmapping/{index.name}-{name}",
                {"backend_roles": list(mapped[name]), "hosts": [], "users": []},
            ),
        )
    ]
    audit = Call("PATCH", f"{security}/audit", [{"op": "replace", "path": "/config/enabled", "value": True}])
    body = template(index, version=domain.version, replicas=domain.replicas)
    return (*rights, audit, Call("PUT", f"_index_template/{index.name}", body), *_snapshots(index, domain))


def _role(index: SearchIndex, role: Role) -> dict[str, Any]:
    return {
        "description": role.what,
        "cluster_permissions": list(role.cluster),
        "index_permissions": [
            {"index_patterns": [index.name, f"{index.name}-*"], "allowed_actions": list(role.index)}
        ],
    }


def _snapshots(index: SearchIndex, domain: Domain) -> tuple[Call, Call]:
    """Where snapshots go, and the policy by which the domain makes and deletes them itself.

    `server_side_encryption` stays unsaid: it would ask for S3's own key, and the bucket refuses that.
    """
    plan = setup().snapshots
    repository = {
        "type": "s3",
        "settings": {
            "bucket": domain.bucket,
            "region": domain.region,
            "role_arn": domain.snapshot_role_arn,
        },
    }
    schedule = {"cron": {"expression": plan.cron, "timezone": "UTC"}}
    policy = {
        "description": f"{index.name}: every hour, kept for {plan.keep_days} days",
        "enabled": True,
        "creation": {"schedule": schedule},
        "deletion": {
            "schedule": schedule,
            # One is left however old it is: a stopped policy must not end with an empty bucket.
            "condition": {"max_age": f"{plan.keep_days}d", "min_count": 1},
        },
        "snapshot_config": {
            "repository": plan.repository,
            "indices": f"{index.name}-*",
            "include_global_state": False,
        },
    }
    return (
        Call("PUT", f"_snapshot/{plan.repository}", repository),
        Call("POST", f"_plugins/_sm/policies/{index.name}", policy),
    )
