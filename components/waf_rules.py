"""The rules of the web ACLs as data (`waf_rules.toml`), and as the statements that AWS WAF wants.

Knows no resource: `components.waf` makes the web ACLs out of these.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pulumi_aws as aws
from pulumi import Input

from contract.base import Shape

Scope = Literal["CLOUDFRONT", "REGIONAL"]
Statement = aws.wafv2.WebAclRuleStatementArgsDict
Kind = Literal["managed", "origin", "countries", "rate", "body-size", "user-agents"]
MOST_WCU = 1_500
WINDOW_S = 300
# Scanners that say who they are. Lower case: the header is lowered before it is compared.
SCANNERS = "(sqlmap|nikto|nmap|masscan|zgrab|nessus|openvas|wpscan|dirbuster|gobuster|nuclei|acunetix)"
NONE: Any = [{"priority": 0, "type": "NONE"}]


class Rule(Shape):
    """One row of the table."""

    name: str
    kind: Kind
    wcu: int
    scopes: tuple[Scope, ...]
    group: str = ""
    count: tuple[str, ...] = ()
    path: str = ""
    position: str = ""
    limit: str = ""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`rates`: requests of one address in five minutes, for auth, rest and chat.

    `origin_secrets`: accepted values of `origin_header`; `open_path` is the one path that needs none.
    """

    rates: Mapping[str, int]
    blocked_countries: Sequence[str]
    body_bytes: int
    origin_header: str
    origin_secrets: Sequence[Input[str]]
    open_path: str


def rules(scope: Scope, limits: Limits) -> list[Rule]:
    """The rules of a scope in their order; one about countries only when some are blocked."""
    used = [
        rule
        for rule in table()
        if scope in rule.scopes and (rule.kind != "countries" or limits.blocked_countries)
    ]
    capacity = sum(rule.wcu for rule in used)
    if capacity > MOST_WCU:
        raise ValueError(
            f"web ACL {scope}: its rules take {capacity} WCU of {MOST_WCU}: remove a rule from waf_rules.toml"
        )
    return used


@cache
def table() -> tuple[Rule, ...]:
    text = Path(__file__).with_name("waf_rules.toml").read_text(encoding="utf-8")
    return tuple(Rule.model_validate(row) for row in tomllib.loads(text)["rule"])


def statement(rule: Rule, limits: Limits) -> Statement:
    """What a rule looks for."""
    return _STATEMENTS[rule.kind](rule, limits)


def _managed(rule: Rule, _: Limits) -> Statement:
    group: aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgsDict = {
        "vendor_name": "AWS",
        "name": rule.group,
    }
    if rule.count:
        group["rule_action_overrides"] = [
            {"name": name, "action_to_use": {"count": {}}} for name in rule.count
        ]
    return {"managed_rule_group_statement": group}


def _origin(_: Rule, limits: Limits) -> Statement:
    """Neither one of the secrets nor the open path."""
    header = {"single_header": {"name": limits.origin_header.lower()}}
    let_in = [_match(header, "EXACTLY", secret) for secret in limits.origin_secrets]
    let_in.append(_match({"uri_path": {}}, "EXACTLY", limits.open_path))
    return {"not_statement": {"statement": {"or_statement": {"statements": let_in}}}}


def _countries(_: Rule, limits: Limits) -> Statement:
    return {"geo_match_statement": {"country_codes": list(limits.blocked_countries)}}


def _rate(rule: Rule, limits: Limits) -> Statement:
    return {
        "rate_based_statement": {
            "limit": limits.rates[rule.limit],
            "aggregate_key_type": "IP",
            "evaluation_window_sec": WINDOW_S,
            "scope_down_statement": _match({"uri_path": {}}, rule.position, rule.path),
        }
    }


def _body_size(_: Rule, limits: Limits) -> Statement:
    # What is too long to be looked at is too long.
    return {
        "size_constraint_statement": {
            "comparison_operator": "GT",
            "size": limits.body_bytes,
            "field_to_match": {"body": {"oversize_handling": "MATCH"}},
            "text_transformations": NONE,
        }
    }


def _user_agents(_: Rule, __: Limits) -> Statement:
    return {
        "regex_match_statement": {
            "regex_string": SCANNERS,
            "field_to_match": {"single_header": {"name": "user-agent"}},
            "text_transformations": [{"priority": 0, "type": "LOWERCASE"}],
        }
    }


def _match(field: Any, position: str, text: Input[str]) -> Any:
    return {
        "byte_match_statement": {
            "field_to_match": field,
            "positional_constraint": position,
            "search_string": text,
            "text_transformations": NONE,
        }
    }


_STATEMENTS: Mapping[Kind, Callable[[Rule, Limits], Statement]] = {
    "managed": _managed,
    "origin": _origin,
    "countries": _countries,
    "rate": _rate,
    "body-size": _body_size,
    "user-agents": _user_agents,
}
