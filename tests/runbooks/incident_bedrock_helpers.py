"""Incidents of the models and of the region, as AWS would show them."""

from uuid import uuid4

from contract.tiers import Tier
from tests.runbooks.estate_parts_helpers import ecs
from tests.runbooks.place_helpers import Incident, Place, Shown


def _slow(place: Place) -> Shown:
    """Sonnet takes 4 s; what people wait follows, until more is answered without it."""
    helped = place.control("cache_mode") == "aggressive" and place.control("haiku_threshold")
    return {"TimeToFirstToken sonnet": 4000, "FirstToken all": 2100 if helped else 4200}


def _down(place: Place) -> Shown:
    """Sonnet fails; nobody waits for it once everybody is on Haiku."""
    helped = place.control("forced_tier") is Tier.T1
    return {"InvocationServerErrors sonnet": 0.7, "Failed all": 0.002 if helped else 0.06}


def _haiku(place: Place) -> Shown:
    """Haiku is slow; simple messages stay on Sonnet once the threshold is out of reach."""
    helped = place.control("haiku_threshold") == 1.0
    return {"TimeToFirstToken haiku": 6000, "FirstToken all": 2000 if helped else 3900}


def _health_check(place: Place) -> None:
    """The primary is healthy while both of its children are."""
    route53 = place.client("route53")
    made = route53.create_health_check(
        CallerReference=str(uuid4()),
        HealthCheckConfig={"Type": "CALCULATED", "HealthThreshold": 2, "ChildHealthChecks": ["a", "b"]},
    )
    place.rename("checks", "primary", made["HealthCheck"]["Id"])


def _threshold(place: Place) -> int:
    found = place.client("route53").get_health_check(HealthCheckId=place.name("checks", "primary"))
    return int(found["HealthCheck"]["HealthCheckConfig"]["HealthThreshold"])


def _lost(place: Place) -> Shown:
    """Nobody is answered here; people are, once DNS sends them away."""
    away = _threshold(place) > 2
    return {"Answered region": 0.0, "Answered public": 1.0 if away else 0.1}


INCIDENTS = (
    Incident(runbook="bedrock-latency", shows=_slow),
    Incident(runbook="bedrock-outage", shows=_down),
    Incident(runbook="haiku-degraded", shows=_haiku),
    Incident(runbook="region-failover", shows=_lost, stands=(ecs, _health_check)),
)
