"""Settings of the gateways and of what stands before them: defaults for production, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from stacks.sections.edge import Domain, Edge, Waf, exposed
from stacks.sections.gateway import ClientRate, Gateway, RestSettings

NAMED = Domain(name="shop.example.com", zone_id="Z0123456789ABC")


def test_the_defaults_are_those_of_the_requirements():
    """NET-6: 100 requests in five minutes on auth and REST, more on chat. NET-5: 500 new connections."""
    waf = Waf()
    assert (waf.auth_rate, waf.rest_rate) == (100, 100)
    assert waf.chat_rate > 100
    assert Gateway().websocket.connections_per_second == 500
    assert Edge().minimum_tls == "TLSv1.2_2021"


@pytest.mark.parametrize(
    ("section", "values", "fix"),
    [
        (Domain, {"name": "shop.example.com"}, "set both, or neither"),
        (Domain, {"zone_id": "Z0123456789ABC"}, "set both, or neither"),
        (Domain, {"name": "Shop", "zone_id": "Z0123456789ABC"}, "a host name in small letters"),
        (Domain, {"name": "shop.example.com", "zone_id": "zone"}, "a hosted zone's id"),
        (Waf, {"blocked_countries": ["North Korea"]}, "write two capital letters, such as KP"),
        (Waf, {"blocked_countries": ["KP"] * 51}, "one rule of AWS WAF takes 50"),
        (Waf, {"chat_rate": 50}, "chat reconnects often, at least 100"),
        (Waf, {"body_kb": 64}, "less than or equal to 16"),
        (Edge, {"minimum_tls": "TLSv1"}, "TLSv1.2_2021"),
        (ClientRate, {"per_second": 10, "burst": 5}, "at least 10"),
        (RestSettings, {"clients": {}}, "add canary"),
        (RestSettings, {"guest_per_second": 2_000}, "guests may have at most the 1000"),
    ],
)
def test_what_cannot_work_is_refused_with_the_fix(section: Any, values: dict[str, Any], fix: str):
    with pytest.raises(ValidationError, match=fix):
        section.model_validate(values)


@pytest.mark.parametrize(
    ("domain", "edge", "fix"),
    [
        (Domain(), Edge(), "failing over is an answer of DNS"),
        (NAMED, Edge(canary_minutes=0), "nothing would tell when to fail over"),
    ],
)
def test_a_standby_asks_for_a_domain_and_a_canary(domain: Domain, edge: Edge, fix: str):
    with pytest.raises(PydanticCustomError, match=fix):
        exposed(domain, edge, standby=True)


def test_one_region_needs_no_domain():
    exposed(Domain(), Edge(), standby=False)
    exposed(NAMED, Edge(), standby=True)
