"""Encryption keys, one per class of data (OPS-9): what each is for and who may use it is data, `keys.toml`.

Every key policy says three things. The account administers the key, but that alone decrypts nothing: the
usual `kms:*` for the account would let any IAM policy read the data past the service that guards it. Callers
use the key through a named service, and only if their own IAM policy allows it as well. AWS services that act
by themselves (alarms into topics, log groups, the trail) are named with the ARNs they may act for.

Erasure by key (DATA-9). The agent asks the key `customer-keys` for a data key per customer (`GenerateDataKey`
with the encryption context `customer=<id>`), keeps only the wrapped copy, in the table `customer-keys`, and
encrypts with it what ends in archives, objects and backups. Deleting the customer's row makes every copy of
that data unreadable, also those nobody can reach: object versions, points in time, vaults. So that table
itself is not backed up, and its own past is short (tables.toml). The key is multi-region: what was wrapped in
one region must open in the other after a failover.
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output
from pydantic import Field

from components.alarms import Quiet
from components.base import Component
from components.place import Place
from contract.base import Shape

SHARED = "customer-keys"
DELETION_DAYS = 30
ROTATION_DAYS = 365
# What may be done to a key without opening anything it closed.
ADMINISTER = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:ListRetirableGrants",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
    "kms:UpdatePrimaryRegion",
)
USE = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)


class Service(Shape):
    """An AWS service that uses a key by itself, for the resources that `only_for` names."""

    principal: str
    actions: tuple[str, ...] = USE
    only_for: Mapping[str, str] = Field(min_length=1)


class Purpose(Shape):
    """One class of data."""

    what: str
    through: tuple[str, ...] = ()
    everywhere: bool = False
    services: tuple[Service, ...] = ()
    context: str | None = None
    shared: bool = False


@cache
def purposes() -> Mapping[str, Purpose]:
    """Class of data -> who may use its key."""
    rows = tomllib.loads(Path(__file__).with_name("keys.toml").read_text(encoding="utf-8"))
    return {name: Purpose.model_validate(row) for name, row in rows.items()}


@dataclass(frozen=True, kw_only=True)
class KeysArgs:
    """`regions` are all of the estate's. `shared_key`: the multi-region key of the primary, in a standby.

    `only`: the classes of data a region keeps that holds no more than these; none: all classes.
    """

    environment: str
    place: Place
    regions: Sequence[str]
    shared_key: Input[str] | None
    protect: bool
    only: Collection[str] = ()


class Keys(Quiet, Component):
    """The keys of one region."""

    kind = "security:Keys"
    quiet = "KMS has a metric only for imported key material; a key that is missing shows where it is used"
    arns: dict[str, Output[str]]

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        wanted = args.only or purposes()
        self.arns = {data: self._key(data, purposes()[data]) for data in wanted}
        self.register_outputs(dict(self.arns))

    def _key(self, data: str, purpose: Purpose) -> Output[str]:
        policy = Output.json_dumps(_policy(purpose, self._args))
        elsewhere = self._args.shared_key if purpose.shared else None
        key = (
            self._own(data, purpose, policy) if elsewhere is None else self._replica(data, elsewhere, policy)
        )
        aws.kms.Alias(
            f"{self.name}-{data}-alias",
            name=f"alias/concierge-{self._args.environment}-{data}",
            target_key_id=key.key_id,
            opts=self.child(),
        )
        return key.arn

    def _own(self, data: str, purpose: Purpose, policy: Output[str]) -> aws.kms.Key:
        return aws.kms.Key(
            f"{self.name}-{data}",
            description=purpose.what,
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_DAYS,
            deletion_window_in_days=DELETION_DAYS,
            multi_region=purpose.shared,
            policy=policy,
            opts=self.child(protect=self._args.protect),
        )

    def _replica(self, data: str, primary: Input[str], policy: Output[str]) -> aws.kms.ReplicaKey:
        """The same key in this region. Its policy is its own; its rotation is the primary's."""
        return aws.kms.ReplicaKey(
            f"{self.name}-{data}",
            description=purposes()[data].what,
            primary_key_arn=primary,
            deletion_window_in_days=DELETION_DAYS,
            policy=policy,
            opts=self.child(protect=self._args.protect),
        )


def _policy(purpose: Purpose, args: KeysArgs) -> dict[str, Any]:
    root = Output.concat("arn:", args.place.partition, ":iam::", args.place.account_id, ":root")
    account = {"AWS": root}
    statements: list[dict[str, Any]] = [
        {
            "Sid": "AccountAdministers",
            "Effect": "Allow",
            "Principal": account,
            "Action": list(ADMINISTER),
            "Resource": "*",
        }
    ]
    if purpose.through:
        statements += _through(purpose, account, args)
    if purpose.context is not None:
        statements.append(_directly(purpose.context, account, args))
    statements += [_by_itself(number, service, args) for number, service in enumerate(purpose.services, 1)]
    return {"Version": "2012-10-17", "Statement": statements}


def _through(purpose: Purpose, account: Mapping[str, Any], args: KeysArgs) -> list[dict[str, Any]]:
    """Whom IAM allows, but only with one of the services between them and the key."""
    regions = sorted(args.regions) if purpose.everywhere else [args.place.region]
    via = {
        "kms:ViaService": [
            f"{service}.{region}.amazonaws.com" for service in purpose.through for region in regions
        ],
        "kms:CallerAccount": args.place.account_id,
    }
    return [
        {
            "Sid": "UseThroughServices",
            "Effect": "Allow",
            "Principal": account,
            "Action": list(USE),
            "Resource": "*",
            "Condition": {"StringEquals": via},
        },
        # A table or a domain keeps working after its maker has gone: the service holds a grant.
        {
            "Sid": "GrantToServices",
            "Effect": "Allow",
            "Principal": account,
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {"StringEquals": via, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]


def _directly(context: str, account: Mapping[str, Any], args: KeysArgs) -> dict[str, Any]:
    """A wrapped key says whose it is: moved to another customer's row it does not open."""
    return {
        "Sid": "WrapWithContext",
        "Effect": "Allow",
        "Principal": account,
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {"kms:CallerAccount": args.place.account_id},
            "Null": {f"kms:EncryptionContext:{context}": "false"},
        },
    }


def _by_itself(number: int, service: Service, args: KeysArgs) -> dict[str, Any]:
    return {
        "Sid": f"ServiceByItself{number}",
        "Effect": "Allow",
        "Principal": {"Service": service.principal.format(region=args.place.region)},
        "Action": list(service.actions),
        "Resource": "*",
        "Condition": {"ArnLike": {key: _arn(shape, args) for key, shape in service.only_for.items()}},
    }


def _arn(shape: str, args: KeysArgs) -> Output[str]:
    before, _, after = shape.format(region=args.place.region, account="{account}").partition("{account}")
    return Output.concat("arn:", args.place.partition, ":", before, args.place.account_id, after)
