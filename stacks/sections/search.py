"""The search domain: where its copies stand, what it holds, and that one fits the other (VEC-1, VEC-2)."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from components import search_sizing as sizing
from contract.search import SearchError, index
from stacks.problems import rule
from stacks.section import Section
from stacks.sections.data import LogDays

Version = Literal["2.11", "2.13", "2.15", "2.17", "2.19", "3.1", "3.3", "3.5"]
# AWS takes ten burstable nodes at most.
_MOST_BURSTABLE = 10


def _node(value: str) -> str:
    sizing.node(value)
    return value


def _data_node(value: str) -> str:
    if sizing.node(value).family.holds == "state":
        raise ValueError("has little memory for vectors: use one such as r7g.large.search")
    return value


class Warm(Section):
    """UltraWarm: indices that are read rarely, on S3 with a cache in front."""

    nodes: int = Field(0, ge=0, le=150, description="how many; 0: no UltraWarm")
    type: Literal["ultrawarm1.medium.search", "ultrawarm1.large.search"] = Field(
        "ultrawarm1.medium.search", description="size of each"
    )

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.nodes == 1:
            raise rule("nodes", "must be 0 or at least 2: AWS makes no single warm node")
        return self


class Search(Section):
    """The OpenSearch domain of each region."""

    version: Version = Field("2.19", description="OpenSearch version of the domain")
    documents: int = Field(
        1_000_000,
        gt=0,
        description="chunks to plan for in one region; their vectors must fit the nodes' memory",
    )
    zones: Literal[1, 2, 3] = Field(3, description="zones the domain stands in")
    node_type: Annotated[str, AfterValidator(_data_node)] = Field(
        "r7g.2xlarge.search",
        description="size of each data node; Graviton, memory-optimised from r6g.large up",
    )
    nodes: int = Field(3, ge=1, le=80, description="data nodes, as many in each zone")
    replicas: int = Field(
        index().replicas, ge=0, le=8, description="further copies of each shard; each zone should have one"
    )
    standby_zone: bool = Field(
        True,
        description="one of three zones only waits (Multi-AZ with standby), so losing one changes nothing",
    )
    masters: Literal[0, 3, 5] = Field(3, description="dedicated masters; 0: a data node is master too")
    master_type: Annotated[str, AfterValidator(_node)] = Field(
        "m7g.large.search", description="size of each dedicated master"
    )
    volume_gb: int = Field(100, ge=10, le=1024, description="gp3 volume of each data node")
    warm: Warm = Warm()
    auto_tune: bool = Field(True, description="let AWS adjust heap and queues in the quiet hours")
    quiet_hour: int = Field(
        7,
        ge=0,
        le=23,
        description="UTC hour from which AWS may patch, for ten hours; quiet, the team awake soon",
    )
    log_days: LogDays = Field(90, description="days slow, application and audit logs stay in CloudWatch")
    create_service_role: bool = Field(
        False,
        description=(
            "make the account's one service-linked role, without which no domain can stand in a VPC; true in "
            "exactly one environment of an account that has never had a domain, else AWS says it is taken"
        ),
    )

    @model_validator(mode="after")
    def _copies_fit(self) -> Self:
        copies = 1 + self.replicas
        if self.nodes % self.zones:
            raise rule("nodes", f"must be a multiple of zones, such as {_up(self.nodes, self.zones)}")
        if copies % self.zones:
            better = _up(copies, self.zones) - 1
            raise rule(
                "replicas", f"makes {copies} copies for {self.zones} zones: {better} puts one in each zone"
            )
        if copies > self.nodes:
            raise rule(
                "replicas", f"needs {copies} nodes, a copy each: use {self.nodes - 1}, or nodes: {copies}"
            )
        return self

    @model_validator(mode="after")
    def _masters_fit(self) -> Self:
        if self.zones > 1 and not self.masters:
            raise rule("masters", "must be 3 where zones are several: two halves could each elect a master")
        if self.standby_zone and self.zones != 3:
            raise rule("standby_zone", f"needs 3 zones, there are {self.zones}: set it to false, or zones: 3")
        if self.warm.nodes and not self.masters:
            raise rule("warm.nodes", "UltraWarm needs dedicated masters: set masters: 3, or warm.nodes: 0")
        if self.warm.nodes and self.standby_zone and self.warm.nodes % 3:
            raise rule(
                "warm.nodes", f"must be a multiple of 3 with a standby zone: {_up(self.warm.nodes, 3)}"
            )
        return self

    @model_validator(mode="after")
    def _small_nodes_can(self) -> Self:
        """AWS refuses Auto-Tune, UltraWarm, a standby zone and more than ten nodes on t3."""
        node = sizing.node(self.node_type)
        if not node.family.burstable:
            return self
        larger = "use r7g.large.search or larger as node_type"
        if self.auto_tune:
            raise rule("auto_tune", f"does not exist on {node.type}: set it to false, or {larger}")
        if self.warm.nodes:
            raise rule("warm.nodes", f"UltraWarm does not exist beside {node.type}: set it to 0, or {larger}")
        if self.standby_zone:
            raise rule("standby_zone", f"does not exist on {node.type}: set it to false, or {larger}")
        if self.nodes > _MOST_BURSTABLE:
            raise rule("nodes", f"AWS takes at most {_MOST_BURSTABLE} of {node.type}: {larger}")
        return self

    @model_validator(mode="after")
    def _index_fits(self) -> Self:
        """Zones, copies, nodes and vectors are one sum: see components/search_sizing.py."""
        node = sizing.node(self.node_type)
        if node.most_gb is not None and self.volume_gb > node.most_gb:
            raise rule(
                "volume_gb", f"{node.type} takes at most {node.most_gb}: use that, or a larger node_type"
            )
        try:
            index().space_in(self.version)
        except SearchError as wrong:
            raise rule("version", str(wrong)) from None
        fleet = sizing.Fleet(node, self.nodes, self.replicas, self.documents)
        if shortage := sizing.too_small(index(), fleet):
            raise rule("node_type", shortage)
        return self

    def outside(self, zones: Sequence[str]) -> str | None:
        """What is wrong where a region has fewer zones than the domain wants; none where it has enough."""
        if len(zones) >= self.zones:
            return None
        return f"is {self.zones}, but the region has {len(zones)}: set it to {len(zones)}, or add zones there"

    def warnings(self, *, protected: bool) -> list[str]:
        """What is allowed but should be known."""
        if not protected:
            return []
        node, said = sizing.node(self.node_type), []
        if node.family.burstable:
            said.append(f"search.node_type is {node.type}: it slows down when its credits are used up")
        if self.zones < 3:
            said.append(
                f"search.zones is {self.zones} in a protected environment: losing one may stop search"
            )
        return said


def _up(number: int, step: int) -> int:
    """The next multiple."""
    return -(-number // step) * step
