"""What the test provider answers to questions, and what it computes. AWS-shaped, and never the same twice.

Where real AWS answers something new every time (a random password), so does this: a plan cannot show what
that does to a second `up`.
"""

import secrets
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pulumi import _types as sdk

from tests.engine.sdk_helpers import shape
from tests.engine.wire_helpers import digest

ACCOUNT = "210987654321"
# Zone ids by region: AWS "Regions and Zones" page. A prefix list's id is its region's own.
ZONES = {
    "us-east-1": [f"use1-az{n}" for n in range(1, 7)],
    "us-west-2": [f"usw2-az{n}" for n in range(1, 5)],
    "eu-west-1": [f"euw1-az{n}" for n in range(1, 4)],
}
# Resources whose id is an input of theirs. Registry page of each, "Attribute Reference": `id`.
NAMED_BY = {"aws:s3/bucket:Bucket": "bucket"}
# Texts that are not a word with a suffix. API reference of each.
SAID = {
    # CreateGuardrailVersion: a number from 1 on, `version` [1-9][0-9]{0,7}.
    ("aws:bedrock/guardrailVersion:GuardrailVersion", "version"): "1",
}


class UnansweredError(LookupError):
    """The program asks what nobody here knows."""


def answer(token: str, arguments: Mapping[str, Any], region: str) -> dict[str, Any]:
    """What an invoke returns."""
    name = token.rpartition(":")[2]
    if name == "getCallerIdentity":
        arn = f"arn:aws:iam::{ACCOUNT}:user/deployer"
        return {"accountId": ACCOUNT, "arn": arn, "userId": "AIDAEXAMPLE", "id": ACCOUNT}
    if name == "getPartition":
        reverse = {"reverseDnsPrefix": "com.amazonaws", "dnsSuffix": "amazonaws.com"}
        return {"partition": "aws", "id": "aws", **reverse}
    if name == "getRegion":
        return {"id": region, "name": region, "region": region, "endpoint": f"ec2.{region}.amazonaws.com"}
    if name == "getAvailabilityZones":
        ids = ZONES[region]
        names = [f"{region}{letter}" for letter in "abcdef"[: len(ids)]]
        return {"id": region, "zoneIds": ids, "names": names, "groupNames": [f"{region}-zg-1"]}
    if name in {"getManagedPrefixList", "getPrefixList"}:
        wanted = str(arguments.get("name"))
        return {"id": f"pl-{digest(wanted, region)[:8]}", "name": wanted, "region": region}
    if name == "getRandomPassword":
        length = int(arguments.get("passwordLength", 32))
        return {"id": region, "randomPassword": secrets.token_hex(length)[:length], "region": region}
    raise UnansweredError(f"the test provider has no answer to {token}")


def made(name: str, hint: Any, token: str, unique: str, region: str) -> Any:
    """A value for one computed output of this type."""
    kind = shape(hint)
    if get_origin(kind) is not None and issubclass(get_origin(kind), Mapping):
        return {}
    if get_origin(kind) is not None:
        inner = shape(get_args(kind)[0])
        return [made(name, inner, token, unique, region)] if sdk.is_output_type(inner) else []
    if isinstance(kind, type) and sdk.is_output_type(kind):
        inside = sdk._types_from_py_properties(kind)
        return {key: made(key, each, token, unique, region) for key, each in inside.items()}
    if kind in (bool, int, float):
        return {bool: False, int: 1, float: 1.0}[kind]
    return _text(name, token, unique, region)


def identity(token: str, inputs: Mapping[str, Any], unique: str) -> str:
    """The id of a new resource."""
    return str(inputs.get(NAMED_BY.get(token, ""), f"{token.rpartition(':')[2].lower()}-{unique}"))


def _text(name: str, token: str, unique: str, region: str) -> str:
    if (token, name) in SAID:
        return SAID[token, name]
    service = token.split(":")[1].partition("/")[0]
    if name.lower().endswith("arn"):
        return f"arn:aws:{service}:{region}:{ACCOUNT}:{name}/{unique}"
    if name == "region":
        return region
    if name == "arnSuffix":  # of balancers and target groups: the end of their ARN
        return unique
    if name.lower().endswith(("url", "endpoint")):
        return f"https://{unique}.{service}.{region}.amazonaws.com/{name}"
    return f"{name}-{unique}"
