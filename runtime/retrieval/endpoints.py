"""Models of our own behind SageMaker endpoints (MOD-5): intent, embed and rerank, in their containers' words.

intent is Hugging Face's text classification; embed and rerank are Text Embeddings Inference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter
from pydantic_core import to_json

from contract.intents import Intent
from runtime import aws
from runtime.downstream import Downstream, Why

T = TypeVar("T")
JSON = "application/json"
MOST_LETTERS = 2_000  # of a question; the containers cut off what is longer than their model


@dataclass(frozen=True, slots=True)
class _Label:
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class _Ranked:
    index: int
    score: float


@dataclass(frozen=True, slots=True)
class Likely:
    """An intent, and how sure the model is."""

    intent: Intent
    score: float


class Endpoint:
    """One endpoint by its name. `client`: that of sagemaker-runtime."""

    def __init__(self, at: Downstream, client: Any, name: str) -> None:
        self.at = at
        self._client = client
        self._name = name

    async def invoke(
        self, body: Mapping[str, Any], reader: TypeAdapter[T], within_s: float = float("inf")
    ) -> T:
        """What the container answers, read; anything else is ProviderError."""
        return await self.at.ask(lambda: self._once(body, reader), within_s=within_s)

    async def _once(self, body: Mapping[str, Any], reader: TypeAdapter[T]) -> T:
        try:
            said = await self._client.invoke_endpoint(
                EndpointName=self._name, Body=to_json(body), ContentType=JSON, Accept=JSON
            )
            text = await said["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise aws.provider_error(self.at, error) from error
        return aws.read_body(self.at, reader, text)


class IntentClassifier:
    """The second stage of intent recognition (RUN-3)."""

    _reader = TypeAdapter(list[list[_Label]])

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def classify(self, text: str) -> Sequence[Likely]:
        """All intents, the likeliest first."""
        body = {"inputs": [text[:MOST_LETTERS]]}
        rows = await self._endpoint.invoke(body, self._reader)
        try:
            found = [Likely(Intent(row.label), row.score) for row in rows[0]]
        except (ValueError, IndexError) as wrong:
            raise self._endpoint.at.error(Why.BROKEN, str(wrong)) from None
        if not found:
            raise self._endpoint.at.error(Why.BROKEN, "no intent at all")
        return sorted(found, key=lambda likely: -likely.score)


class Reranker:
    """Puts passages in order by how well they answer the question."""

    _reader = TypeAdapter(list[_Ranked])

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def rank(self, query: str, texts: Sequence[str], within_s: float) -> Sequence[tuple[int, float]]:
        """(which text, score), the best first."""
        body = {"query": query[:MOST_LETTERS], "texts": list(texts), "truncate": True}
        ranked = await self._endpoint.invoke(body, self._reader, within_s)
        if sorted(row.index for row in ranked) != list(range(len(texts))):
            raise self._endpoint.at.error(Why.BROKEN, "ranks other texts than it was given")
        return sorted(((row.index, row.score) for row in ranked), key=lambda pair: -pair[1])
