"""Where the shop's own services are: nothing of ours makes them, so nobody but the owner can say (NET-4)."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from stacks.section import Section


def _url(value: str) -> str:
    """Port 443 only: the agent's security group opens no other one to the world."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme != "https" or not parts.hostname or port not in (None, 443) or parts.query:
        raise ValueError("must be a URL such as https://pricing.example.com, on port 443")
    return value


def _campaign(value: str) -> str:
    if not value.startswith("arn:aws:personalize:") or ":campaign/" not in value:
        raise ValueError(
            "must be the ARN of a campaign, such as "
            "arn:aws:personalize:us-east-1:111122223333:campaign/bought-together"
        )
    return value


Url = Annotated[str, AfterValidator(_url)]


class Shop(Section):
    """The services the agent asks. What is left out is off: the agent says so and serves without."""

    catalogue: bool = Field(
        True,
        description="the product catalogue answers behind the internal balancer, gRPC on port 50051",
    )
    product_search: Url | None = Field(None, description="URL of the product search; none: off")
    pricing: Url | None = Field(None, description="URL of the prices; none: off")
    recommendation: Url | None = Field(None, description="URL of recommendations; none: off")
    shipping: Url | None = Field(None, description="URL of shipping; none: off")
    promotions: Url | None = Field(None, description="URL of promotions; none: off")
    orders: Url | None = Field(None, description="URL of orders, refunds and complaints; none: off")
    cards: Url | None = Field(None, description="URL of the card network; none: nothing can be paid")
    campaign: Annotated[str, AfterValidator(_campaign)] | None = Field(
        None, description="ARN of an Amazon Personalize campaign, asked in place of recommendation"
    )
