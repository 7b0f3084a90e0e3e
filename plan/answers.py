"""Answers to the questions a program asks AWS while it runs (invokes), from region data.

Real facts where they are the same for every account (zone ids, prefix lists); for what only an account
knows (its number, how its zone names map), a made-up value that says so. A question without an answer
stops the plan: a guess would look like a fact.
"""

from collections.abc import Callable, Mapping
from typing import Any

from contract import regions

ACCOUNT = "123456789012"


class UnansweredError(Exception):
    """The program asked AWS something a plan cannot know."""


def answer(token: str, args: Mapping[str, Any], region: str | None) -> dict[str, Any]:
    """The result of one invoke, in the shape the provider would return."""
    reply = _ANSWERS.get(token)
    if reply is None:
        raise UnansweredError(f"the program asks AWS for {token}; add an answer to plan/answers.py")
    if region is None and token not in _REGIONLESS:
        raise UnansweredError(
            f"{token} is asked without an explicit provider: pass InvokeOptions(provider=...)"
        )
    return reply(args, region or "")


def _caller_identity(_: Mapping[str, Any], __: str) -> dict[str, Any]:
    return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "userId": ACCOUNT, "id": ACCOUNT}


def _partition(_: Mapping[str, Any], __: str) -> dict[str, Any]:
    return {
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
        "id": "aws",
    }


def _region(_: Mapping[str, Any], region: str) -> dict[str, Any]:
    return {"name": region, "region": region, "id": region, "endpoint": f"ec2.{region}.amazonaws.com"}


def _zones(_: Mapping[str, Any], region: str) -> dict[str, Any]:
    ids = regions.region(region).zones
    names = [f"{region}{letter}" for letter in "abcdefgh"[: len(ids)]]
    return {"zoneIds": list(ids), "names": names, "groupNames": [region] * len(ids), "id": region}


def _prefix_list(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    name = str(args.get("name", ""))
    lists = regions.region(region).prefix_lists
    short = "cloudfront" if "cloudfront" in name else name.rpartition(".")[2]
    if short not in lists:
        raise UnansweredError(
            f"prefix list {name!r} is not in contract/regions/{region}.toml: add it under [prefix_lists]"
        )
    return {"id": lists[short], "name": name, "region": region}


def _random_password(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Made up, and the same every time: two runs of a program must agree."""
    return {"randomPassword": "made-up-" + "x" * (int(args.get("passwordLength", 32)) - 8), "region": region}


_REGIONLESS = {"aws:index/getCallerIdentity:getCallerIdentity", "aws:index/getPartition:getPartition"}
_ANSWERS: Mapping[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
    "aws:ec2/getPrefixList:getPrefixList": _prefix_list,
    "aws:secretsmanager/getRandomPassword:getRandomPassword": _random_password,
}
