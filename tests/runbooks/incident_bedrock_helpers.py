"""Incidents of the models, as CloudWatch would show them."""

from tests.runbooks.place_helpers import Incident, Place, Shown


def _slow(place: Place) -> Shown:
    """Sonnet takes 4 s; what people wait follows, until more is answered without it."""
    helped = place.control("cache_mode") == "aggressive" and place.control("haiku_threshold")
    return {"TimeToFirstToken sonnet": 4000, "FirstToken all": 2100 if helped else 4200}


INCIDENTS = (Incident(runbook="bedrock-latency", shows=_slow),)
