"""Where all is that the runtime asks, read once from the environment; settings say how it is asked.

The stack names these in the task definition (`stacks/areas/places.py`), a rehearsal in the environment of the
program. What has no place is off: the runtime says so once and serves without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self
from urllib.parse import urlsplit

from contract.errors import WrongUseError


class PlaceError(WrongUseError):
    """A place that nothing can be at."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Each is None where nobody named it."""

    # The shop's services. The catalogue: host:port, or https://host:port.
    catalogue: str | None = None
    product_search: str | None = None
    pricing: str | None = None
    recommendation: str | None = None
    shipping: str | None = None
    promotions: str | None = None
    orders: str | None = None
    cards: str | None = None  # the card network
    campaign: str | None = None  # ARN of an Amazon Personalize campaign
    # Search, and the models of our own: names of SageMaker endpoints.
    search: str | None = None
    intent_endpoint: str | None = None
    embed_endpoint: str | None = None
    rerank_endpoint: str | None = None
    # What is written down.
    cache: str | None = None
    sessions_table: str | None = None
    tickets_table: str | None = None
    feedback_table: str | None = None
    carts_table: str | None = None
    wishlist_table: str | None = None
    profiles_table: str | None = None
    transactions_table: str | None = None
    memory: str | None = None  # id of an AgentCore memory; then sessions are kept there
    # Originals of personal data: all three or none.
    vault_table: str | None = None
    customer_keys_table: str | None = None
    customer_keys_key: str | None = None  # of KMS: id, ARN or alias
    # How products belong together: one of the two.
    product_graph_table: str | None = None
    neptune: str | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """PlaceError names the variable that holds no place."""
        found = {name: variables.get(variable) or None for name, variable in VARIABLES.items()}
        for name, place in found.items():
            if place is not None and (wrong := _wrong(name, place)):
                raise PlaceError(f"{VARIABLES[name]}={place}: {wrong}")
        return cls(**found)

    @property
    def missing(self) -> Sequence[str]:
        """Names of what is off."""
        return [field.name for field in fields(self) if getattr(self, field.name) is None]


# field -> environment variable
VARIABLES: Mapping[str, str] = {
    "catalogue": "CONCIERGE_CATALOGUE",
    "product_search": "CONCIERGE_PRODUCT_SEARCH_URL",
    "pricing": "CONCIERGE_PRICING_URL",
    "recommendation": "CONCIERGE_RECOMMENDATION_URL",
    "shipping": "CONCIERGE_SHIPPING_URL",
    "promotions": "CONCIERGE_PROMOTIONS_URL",
    "orders": "CONCIERGE_ORDERS_URL",
    "cards": "CONCIERGE_CARDS_URL",
    "campaign": "CONCIERGE_PERSONALIZE_CAMPAIGN",
    "search": "CONCIERGE_SEARCH_URL",
    "intent_endpoint": "CONCIERGE_ENDPOINT_INTENT",
    "embed_endpoint": "CONCIERGE_ENDPOINT_EMBED",
    "rerank_endpoint": "CONCIERGE_ENDPOINT_RERANK",
    "cache": "CONCIERGE_CACHE_URL",
    "sessions_table": "CONCIERGE_TABLE_SESSIONS",
    "tickets_table": "CONCIERGE_TABLE_TICKETS",
    "feedback_table": "CONCIERGE_TABLE_FEEDBACK",
    "carts_table": "CONCIERGE_TABLE_CARTS",
    "wishlist_table": "CONCIERGE_TABLE_WISHLIST",
    "profiles_table": "CONCIERGE_TABLE_PROFILES",
    "transactions_table": "CONCIERGE_TABLE_TRANSACTIONS",
    "memory": "CONCIERGE_MEMORY",
    "vault_table": "CONCIERGE_TABLE_PII_VAULT",
    "customer_keys_table": "CONCIERGE_TABLE_CUSTOMER_KEYS",
    "customer_keys_key": "CONCIERGE_KMS_CUSTOMER_KEYS",
    "product_graph_table": "CONCIERGE_TABLE_PRODUCT_GRAPH",
    "neptune": "CONCIERGE_NEPTUNE_URL",
}
_URL_SCHEMES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "product_search",
            "pricing",
            "recommendation",
            "shipping",
            "promotions",
            "orders",
            "cards",
            "search",
            "neptune",
        ),
        ("http", "https"),
    ),
    "cache": ("redis", "rediss", "valkey", "valkeys"),
}


def _wrong(name: str, place: str) -> str:
    if name == "catalogue":
        return _wrong_target(place.removeprefix("https://"))
    if name == "campaign":
        return "" if place.startswith("arn:") and ":campaign/" in place else "write the ARN of a campaign"
    if name not in _URL_SCHEMES:
        return ""
    schemes = _URL_SCHEMES[name]
    parts = urlsplit(place)
    usual = f"write {schemes[0]}://host:port or {schemes[-1]}://host"
    return "" if parts.scheme in schemes and parts.hostname and _port(place) is not False else usual


def _wrong_target(target: str) -> str:
    usual = "write host:port, or https://host:port for TLS"
    if "://" in target or "/" in target:
        return usual
    return "" if urlsplit(f"//{target}").hostname and _port(f"//{target}") else usual


def _port(url: str) -> int | bool | None:
    """False: none that there can be."""
    try:
        return urlsplit(url).port
    except ValueError:
        return False
