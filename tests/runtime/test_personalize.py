"""Recommendations of an Amazon Personalize campaign: the wire, and that late ones are dropped (RUN-22)."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from rehearsal.serving import serving
from runtime.downstream import ProviderError
from tests.rehearsal.serving_helpers import in_thread
from tests.runtime.shop_helpers import Market, open_market

CAMPAIGN = "arn:aws:personalize:us-east-1:123456789012:campaign/bought-together"
NOBODYS = "B0NOBODYS0"


class Campaign:
    """Just enough of personalize-runtime: POST /recommendations."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.takes_s = 0.0
        self.refuses: tuple[int, str] | None = None

    def app(self) -> web.Application:
        async def recommend(request: web.Request) -> web.Response:
            self.asked.append(await request.json())
            await asyncio.sleep(self.takes_s)
            if self.refuses:
                status, code = self.refuses
                return web.json_response({"message": "no"}, status=status, headers={"x-amzn-ErrorType": code})
            said = {"itemList": [{"itemId": asin, "score": 0.5} for asin in self.items]}
            return web.Response(text=json.dumps(said), content_type="application/x-amz-json-1.1")

        app = web.Application()
        app.router.add_post("/recommendations", recommend)
        return app


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with open_market() as market:
        yield market


@pytest.fixture
def campaign(monkeypatch: pytest.MonkeyPatch) -> Iterator[Campaign]:
    made = Campaign()
    with in_thread(lambda: serving(made.app())) as url:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
        monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME", url)
        yield made


def recommended(market: Market, **settings: Any) -> Any:
    places = replace(market.places(), campaign=CAMPAIGN)
    ask = lambda shop: shop.recommendations.recommend(asin="B0", customer="c-1", limit=3)  # noqa: E731
    return market.visit(ask, places, **settings)


def test_the_campaign_names_products_and_the_catalogue_knows_them(market, campaign):
    asins = list(market.stand_in.catalogue.products)[:2]
    campaign.items = [asins[1], NOBODYS, asins[0]]

    found = recommended(market)

    assert [product.asin for product in found] == [asins[1], asins[0]]
    assert campaign.asked == [{"campaignArn": CAMPAIGN, "itemId": "B0", "userId": "c-1", "numResults": 3}]


def test_late_recommendations_are_dropped(market, campaign):
    campaign.takes_s = 5.0
    with pytest.raises(ProviderError) as late:
        recommended(market, recommendation_s=0.1)
    assert (late.value.provider, late.value.why) == ("recommendation", "timeout")


@pytest.mark.parametrize(
    ("status", "code", "why"),
    [
        (429, "ThrottlingException", "throttled"),
        (400, "InvalidInputException", "refused"),
        (404, "ResourceNotFoundException", "refused"),
        (500, "InternalServerException", "unavailable"),
    ],
)
def test_what_the_campaign_refuses(market, campaign, status, code, why):
    campaign.refuses = status, code
    with pytest.raises(ProviderError) as refused:
        recommended(market)
    assert refused.value.why == why


def test_a_catalogue_in_trouble_is_no_recommendation(market, campaign):
    campaign.items = [next(iter(market.stand_in.catalogue.products))]
    market.breaks("catalogue", "throttle")
    with pytest.raises(ProviderError) as refused:
        recommended(market)
    assert refused.value.provider == "catalogue"
    market.mend()
