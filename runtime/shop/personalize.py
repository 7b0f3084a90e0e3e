"""Recommendations of an Amazon Personalize campaign (RUN-22): it names products, the catalogue knows them."""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from runtime import aws
from runtime.downstream import Downstream
from runtime.shop.answers import Product
from runtime.shop.catalogue import Catalogue


class Personalize:
    """The same door as `services.Recommendations`. `client`: that of personalize-runtime."""

    def __init__(self, at: Downstream, client: Any, campaign: str, catalogue: Catalogue) -> None:
        self._at = at
        self._client = client
        self._campaign = campaign
        self._catalogue = catalogue

    async def recommend(self, *, asin: str, customer: str = "", limit: int = 10) -> Sequence[Product]:
        """Both steps together keep the deadline."""
        return await self._at.ask(lambda: self._once(asin, customer, limit))

    async def _once(self, asin: str, customer: str, limit: int) -> Sequence[Product]:
        who = {"userId": customer} if customer else {}
        try:
            said = await self._client.get_recommendations(
                campaignArn=self._campaign, itemId=asin, numResults=limit, **who
            )
        except (ClientError, BotoCoreError) as error:
            raise aws.provider_error(self._at, error) from error
        return await self._catalogue.products([str(item["itemId"]) for item in said.get("itemList", ())])
