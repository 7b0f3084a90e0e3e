"""Settings of what stands before the gateways: domain, CloudFront, WAF, canary (NET-6, NET-7)."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from stacks.problems import rule
from stacks.section import Section

_NAME = re.compile(r"^(?=.{4,200}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$")
_ZONE = re.compile(r"^Z[A-Z0-9]{4,31}$")
_COUNTRY = re.compile(r"^[A-Z]{2}$")
# AWS WAF looks at no more of a body than this before CloudFront and before API Gateway, without extra cost.
INSPECTED_KB = 16


class Domain(Section):
    """The public name. Its origin names and certificates are made from it."""

    name: str | None = Field(None, description="public name, such as shop.example.com; none: no records")
    zone_id: str | None = Field(None, description="Route 53 public hosted zone that holds the name")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.name is not None and not _NAME.match(self.name):
            raise rule("name", "must be a host name in small letters, such as shop.example.com")
        if self.zone_id is not None and not _ZONE.match(self.zone_id):
            raise rule("zone_id", "must be a hosted zone's id, such as Z0123456789ABC")
        if (self.name is None) != (self.zone_id is None):
            missing = "name" if self.name is None else "zone_id"
            raise rule(missing, "name and zone_id come together: set both, or neither")
        return self


class Waf(Section):
    """What web ACLs refuse. Rates are requests of one address in five minutes."""

    auth_rate: int = Field(100, ge=10, description="requests for tickets")
    rest_rate: int = Field(100, ge=10, description="requests to /v1/")
    chat_rate: int = Field(
        600, ge=10, description="WebSocket handshakes; higher, as offices and carriers share an address"
    )
    blocked_countries: tuple[str, ...] = Field(
        (), strict=False, description="ISO 3166 codes of countries nobody may come from"
    )
    body_kb: int = Field(8, ge=1, le=INSPECTED_KB, description="largest request body in KB")
    blocked_alarm: int = Field(500, gt=0, description="refused requests a minute that page somebody")

    @field_validator("blocked_countries")
    @classmethod
    def _codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [code for code in codes if not _COUNTRY.match(code)]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: write two capital letters, such as KP")
        if len(codes) > 50:
            raise ValueError(f"has {len(codes)} countries: one rule of AWS WAF takes 50")
        return codes

    @model_validator(mode="after")
    def _chat_is_higher(self) -> Self:
        if self.chat_rate < self.rest_rate:
            raise rule("chat_rate", f"is below rest_rate: chat reconnects often, at least {self.rest_rate}")
        return self


class Edge(Section):
    """The CloudFront distribution, its secret header, and the canary that watches from outside."""

    enabled: bool = Field(True, description="CloudFront and its web ACL; off: gateways have no public door")
    minimum_tls: Literal["TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"] = Field(
        "TLSv1.2_2021", description="oldest TLS that viewers may speak; CloudFront's name of the policy"
    )
    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = Field(
        "PriceClass_All", description="which of CloudFront's places serve us; 100: North America and Europe"
    )
    origin_secret_generation: int = Field(
        1, ge=1, description="raise by one to rotate the header that origins ask for"
    )
    log_days: Literal[1, 3, 7, 14, 30, 60, 90, 180, 365] = Field(
        90, description="days access and WAF logs stay in CloudWatch"
    )
    canary_minutes: int = Field(
        1, ge=0, le=60, description="minutes between synthetic conversations; 0: none"
    )


def exposed(domain: Domain, edge: Edge, *, standby: bool) -> None:
    """Rules over several sections: what a two-region environment may not do without."""
    if standby and domain.name is None:
        raise rule("domain.name", "is required with a standby region: failing over is an answer of DNS")
    if standby and edge.canary_minutes == 0:
        raise rule("edge.canary_minutes", "is 0 with a standby region: nothing would tell when to fail over")
