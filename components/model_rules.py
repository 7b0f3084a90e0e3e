"""What cannot be: a model called in a way its region does not take. Pure functions; no resource is made here.

Each refusal is one line that names the fix. The settings ask first, so that an engineer hears it with file
and line; the components ask again, because they spend the money (MOD-1, MOD-2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from components.grants import spans
from contract.model_access import Capacity, InferenceProfile, OnDemand, Provisioned
from contract.models import Model, Offer

Geography = Literal["us", "eu", "ap", "world"]
TERM_DAYS = {"OneMonth": 31, "SixMonths": 184}


@dataclass(frozen=True)
class Refusal:
    """`at`: the key to change, below the rung's; empty for the rung itself."""

    at: str
    why: str


def usual(model: Model, region: str) -> Capacity:
    """How a model is called when nobody says: by its profile where there is one."""
    profile = model.profile.get(region)
    scope = profile.partition(".")[0] if profile is not None else None
    return OnDemand() if scope is None else InferenceProfile.model_validate({"scope": scope})


def refusal(
    model: Model, capacity: Capacity, region: str, *, geography: Geography, production: bool, today: date
) -> Refusal | None:
    """Why this cannot be, or none. `production`: a protected environment."""
    if found := _lifecycle(model, region, today):
        return found
    offer = model.regions[region]
    match capacity:
        case OnDemand():
            return _on_demand(model, offer, region)
        case InferenceProfile():
            return _profile(model, offer, capacity, region, geography)
        case Provisioned():
            return _provisioned(model, offer, capacity, region) or _term(capacity, production, today)


def _lifecycle(model: Model, region: str, today: date) -> Refusal | None:
    offer = model.regions.get(region)
    if offer is None:
        return Refusal("", f"{model.key} is not offered in {region}: use it in {_list(model.regions)}")
    if offer.has_ended(today):
        return Refusal(
            "", f"{model.key} ended in {region} on {offer.end_of_life}: let the rung call an active model"
        )
    if offer.state != "active":
        return Refusal(
            "",
            f"{model.key} is {offer.state} in {region} and ends on {offer.end_of_life}: let the rung call an "
            "active model",
        )
    return None


def _on_demand(model: Model, offer: Offer, region: str) -> Refusal | None:
    if offer.on_demand:
        return None
    fix = f"write profile: {{scope: {_scopes(offer)[0]}}} instead" if offer.profiles else "use provisioned"
    return Refusal("on_demand", f"{region} takes {model.key} only through an inference profile: {fix}")


def _profile(
    model: Model, offer: Offer, capacity: InferenceProfile, region: str, geography: Geography
) -> Refusal | None:
    scopes = _scopes(offer)
    if capacity.scope not in scopes:
        fix = f"use scope: {_list(scopes)}" if scopes else "write on_demand: {} instead"
        return Refusal("profile.scope", f"{model.key} has no such inference profile in {region}: {fix}")
    outside = [at for at in spans(profile_of(model, capacity, region)) if not _within(at, geography)]
    if outside:
        near = [s for s in scopes if all(_within(at, geography) for at in spans(_named(offer, s)))]
        fix = f"use scope: {_list(near)}, or allow" if near else "allow"
        return Refusal(
            "profile.scope",
            f"leads to {_list(outside)}, outside geography {geography}: {fix} more with models.geography",
        )
    return None


def _provisioned(model: Model, offer: Offer, capacity: Provisioned, region: str) -> Refusal | None:
    if not offer.variants:
        return Refusal(
            "provisioned",
            f"AWS lists no units of {model.key} in {region}: use profile; or, once a support case granted "
            "them, add the variant to contract/models.toml",
        )
    known = [variant.rpartition(":")[2] for variant in offer.variants]
    if capacity.variant not in known:
        return Refusal(
            "provisioned.variant", f"there are no such units of {model.key} in {region}: use {_list(known)}"
        )
    return None


def _term(capacity: Provisioned, production: bool, today: date) -> Refusal | None:
    """A commitment is money that nothing gives back, so it is asked for twice: by its term and by its end."""
    until, days = capacity.committed_until, TERM_DAYS.get(capacity.term)
    if days is None:
        words = "hourly units can be given back any time: leave it out, or write the term"
        return None if until is None else Refusal("provisioned.committed_until", words)
    if not production:
        return Refusal(
            "provisioned.term",
            "commits an unprotected environment: write hourly; committed units cannot be given back",
        )
    if until is None:
        return Refusal(
            "provisioned.committed_until",
            f"write the last day of the term: {capacity.term} is paid until then, whatever happens",
        )
    if (until - today).days > days:
        return Refusal(
            "provisioned.committed_until",
            f"is more than {days} days away, longer than {capacity.term}: write the last day of the term",
        )
    return None


def profile_of(model: Model, capacity: InferenceProfile, region: str) -> str:
    """The profile's id; for a capacity that is not refused."""
    return _named(model.regions[region], capacity.scope)


def variant_of(model: Model, capacity: Provisioned, region: str) -> str:
    """The id units are bought for; for a capacity that is not refused."""
    return next(v for v in model.regions[region].variants if v.endswith(f":{capacity.variant}"))


def _named(offer: Offer, scope: str) -> str:
    return next(profile for profile in offer.profiles if profile.startswith(f"{scope}."))


def _scopes(offer: Offer) -> Sequence[str]:
    return [profile.partition(".")[0] for profile in offer.profiles]


def _within(region: str, geography: Geography) -> bool:
    return geography == "world" or region.startswith(f"{geography}-")


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
