"""Who may open a connection to whom, read from the security-group rules of a plan (NET-3).

A connection needs its way out of one group and its way into the other: the two rules make one row. A rule
whose counterpart is missing is a row too, because somebody thinks it connects. Network ACLs and routes are
not weighed here.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from contract import regions
from plan.model import Plan, Resource

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INTERNET = "internet"
State = Literal["open", "only out", "only in"]
_OUT = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
_IN = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_EITHER = "aws:ec2/securityGroupRule:SecurityGroupRule"
_ALL_PORTS = (0, 65535)
_NUMBERED = {"tcp", "udp"}
_ANYWHERE = {"0.0.0.0/0", "::/0"}
# "to search: retrieval and ingest": the first words say what the row says already.
_DIRECTION = re.compile(r"^(to|from) [\w.-]+: ")


@dataclass(frozen=True, slots=True)
class Row:
    """`source` may open connections to `target`; with another state than `open` it only looks so."""

    region: str
    source: str
    target: str
    port: str
    protocol: str
    why: str
    state: State = "open"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One direction of one group. `far` is a group id, a prefix list id or a block of addresses."""

    region: str
    group: str
    outward: bool
    far: str
    protocol: str
    ports: tuple[int, int]
    why: str

    @property
    def is_block(self) -> bool:
        return "/" in self.far and not self.far.rpartition("/")[2].startswith("sg-")


def table(plan: Plan, vpc: str | None = None) -> tuple[Row, ...]:
    """Every row of the plan, or of the groups of one VPC, by region and names."""
    book = _Book(plan)
    rows = dict.fromkeys(row for rule in book.rules for row in book.rows(rule, vpc))
    return tuple(sorted(rows, key=lambda r: (r.region, r.source, r.target, _number(r.port), r.port)))


def role(group: Resource) -> str:
    """What a group stands for: its `Role` tag, else its name."""
    tags = group.inputs.get("tags", {})
    return str(tags.get("Role") or tags.get("Name") or group.name)


class _Book:
    """The groups and rules of a plan, so that each rule can look for its counterpart."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._groups = {group.id: group for group in plan.of_type(GROUP)}
        self.rules = tuple(rule for resource in plan.cloud for rule in _rules(resource))
        self._by_group: dict[str, list[_Rule]] = {}
        for rule in self.rules:
            self._by_group.setdefault(rule.group, []).append(rule)

    def rows(self, rule: _Rule, vpc: str | None) -> Iterator[Row]:
        group = self._groups.get(rule.group)
        if vpc is not None and (group is None or group.inputs.get("vpcId") != vpc):
            return
        if rule.far not in self._groups:
            yield self._row(rule, rule, "open")
            return
        matches = [other for other in self._by_group.get(rule.far, []) if _meet(rule, other)]
        for other in matches:
            yield self._row(rule, _narrower(rule, other), "open")
        if not matches:
            covered = self._covered(rule)
            yield self._row(rule, rule, "open" if covered else "only out" if rule.outward else "only in")

    def _covered(self, rule: _Rule) -> bool:
        """The counterpart is no rule between the two groups, but one for all addresses of their network."""
        block = self._block(self._groups[rule.group])
        return block is not None and any(
            other.is_block
            and other.outward != rule.outward
            and _overlap(rule, other) is not None
            and _contains(other.far, block)
            for other in self._by_group.get(rule.far, [])
        )

    def _block(self, group: Resource) -> str | None:
        vpc = self._plan.owner_of(str(group.inputs.get("vpcId")))
        return str(vpc.inputs["cidrBlock"]) if vpc is not None and "cidrBlock" in vpc.inputs else None

    def _row(self, rule: _Rule, narrow: _Rule, state: State) -> Row:
        near, far = self._name(rule.group, rule.region), self._name(rule.far, rule.region)
        return Row(
            region=rule.region,
            source=near if rule.outward else far,
            target=far if rule.outward else near,
            port=_port_text(narrow),
            protocol="all" if narrow.protocol == "-1" else narrow.protocol,
            why=rule.why,
            state=state,
        )

    def _name(self, identifier: str, region: str) -> str:
        if identifier in _ANYWHERE:
            return INTERNET
        if identifier in self._groups:
            return role(self._groups[identifier])
        for service, known in self._lists(region).items():
            if known == identifier:
                return service
        owner = self._plan.owner_of(identifier)
        return str(owner.inputs.get("name", owner.name)) if owner else identifier

    def _lists(self, region: str) -> Mapping[str, str]:
        """AWS's own prefix lists: service -> id."""
        return regions.region(region).prefix_lists if region in regions.known() else {}


def _rules(resource: Resource) -> Iterator[_Rule]:
    """A rule resource, or rules written inside a group, as one shape."""
    given, region = resource.inputs, resource.region or ""
    if resource.type in {_OUT, _IN}:
        yield from _sides(region, str(given.get("securityGroupId")), resource.type == _OUT, given)
    elif resource.type == _EITHER:
        yield from _sides(region, str(given.get("securityGroupId")), given.get("type") == "egress", given)
    elif resource.type == GROUP:
        for key, outward in (("egress", True), ("ingress", False)):
            for inline in given.get(key, ()):
                yield from _sides(region, resource.id, outward, inline)


def _sides(region: str, group: str, outward: bool, given: Mapping[str, Any]) -> Iterator[_Rule]:
    protocol = str(given.get("ipProtocol", given.get("protocol", "-1"))).lower()
    low, high = _ALL_PORTS
    if protocol in _NUMBERED:
        low, high = int(given.get("fromPort", low)), int(given.get("toPort", high))
    why = _DIRECTION.sub("", str(given.get("description", "")))
    for far in _fars(group, given):
        yield _Rule(region, group, outward, far, protocol, (low, high), why)


def _fars(group: str, given: Mapping[str, Any]) -> Iterator[str]:
    if given.get("self"):
        yield group
    single = ("referencedSecurityGroupId", "sourceSecurityGroupId", "prefixListId", "cidrIpv4", "cidrIpv6")
    yield from (str(given[key]) for key in single if key in given)
    for key in ("securityGroups", "prefixListIds", "cidrBlocks", "ipv6CidrBlocks"):
        yield from map(str, given.get(key, ()))


def _meet(rule: _Rule, other: _Rule) -> bool:
    return (
        other.outward != rule.outward
        and (other.group, other.far) == (rule.far, rule.group)
        and _overlap(rule, other) is not None
    )


def _overlap(rule: _Rule, other: _Rule) -> tuple[int, int] | None:
    if rule.protocol != other.protocol and "-1" not in {rule.protocol, other.protocol}:
        return None
    low, high = max(rule.ports[0], other.ports[0]), min(rule.ports[1], other.ports[1])
    return (low, high) if low <= high else None


def _narrower(rule: _Rule, other: _Rule) -> _Rule:
    """What both let through; the words of the way out, so that a pair makes one row."""
    out = rule if rule.outward else other
    protocol = rule.protocol if rule.protocol != "-1" else other.protocol
    return replace(out, protocol=protocol, ports=_overlap(rule, other) or out.ports)


def _contains(block: str, inner: str) -> bool:
    outer, network = ipaddress.ip_network(block), ipaddress.ip_network(inner)
    if isinstance(outer, ipaddress.IPv4Network) and isinstance(network, ipaddress.IPv4Network):
        return network.subnet_of(outer)
    return False


def _port_text(rule: _Rule) -> str:
    low, high = rule.ports
    if rule.ports == _ALL_PORTS:
        return "all"
    return str(low) if low == high else f"{low}-{high}"


def _number(port: str) -> int:
    first = port.partition("-")[0]
    return int(first) if first.isdigit() else -1


def render(rows: Sequence[Row]) -> Table:
    """The rows as a person reads them, region by region."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("region", "from", "to", "port", "why"):
        shown.add_column(heading, no_wrap=heading != "why")
    region = None
    for row in rows:
        why = Text(row.why)
        if row.state != "open":
            why = Text(f"{row.state}: does not connect. ", style="bold red").append(why)
        first = row.region if row.region != region else ""
        shown.add_row(Text(first, style="cyan"), row.source, row.target, f"{row.port}/{row.protocol}", why)
        region = row.region
    return shown


def as_json(rows: Sequence[Row]) -> list[dict[str, str]]:
    """One object a row, with the words of the table."""
    return [asdict(row) for row in rows]
