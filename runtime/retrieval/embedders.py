"""What turns a question into a vector. Each index has one: vectors of another mean nothing there (VEC-2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter
from pydantic_core import to_json

from contract.search import Embedder as Known
from runtime import aws
from runtime.downstream import Downstream, ProviderError, Why
from runtime.retrieval.endpoints import JSON, Endpoint

Vector = Sequence[float]


class Embedder(Protocol):
    """`key` is its name in contract/embedders.toml. How long a text may be is its caller's business."""

    @property
    def key(self) -> str: ...

    async def embed(self, text: str, within_s: float) -> Vector: ...


@dataclass(frozen=True, slots=True)
class _Said:
    embedding: list[float]


class Titan:
    """Bedrock's. `model_id` as of now: the stack publishes it; `client`: that of bedrock-runtime."""

    _reader = TypeAdapter(_Said)

    def __init__(self, at: Downstream, client: Any, known: Known, model_id: Callable[[], str]) -> None:
        self._at = at
        self._client = client
        self._known = known
        self._model_id = model_id

    @property
    def key(self) -> str:
        return self._known.key

    async def embed(self, text: str, within_s: float) -> Vector:
        return await self._at.ask(lambda: self._once(text), within_s=within_s)

    async def _once(self, text: str) -> Vector:
        asked = {"inputText": text, "dimensions": self._known.dims, "normalize": True}
        try:
            said = await self._client.invoke_model(
                modelId=self._model_id(), body=to_json(asked), contentType=JSON, accept=JSON
            )
            body = await said["body"].read()
        except (ClientError, BotoCoreError) as error:
            raise aws.provider_error(self._at, error) from error
        vector = aws.read_body(self._at, self._reader, body).embedding
        return _sound(self._at, self._known, vector)


class OwnEmbedder:
    """A model of ours behind a SageMaker endpoint."""

    _reader = TypeAdapter(list[list[float]])

    def __init__(self, endpoint: Endpoint, known: Known) -> None:
        self._endpoint = endpoint
        self._known = known

    @property
    def key(self) -> str:
        return self._known.key

    async def embed(self, text: str, within_s: float) -> Vector:
        body = {"inputs": [text], "truncate": True}
        rows = await self._endpoint.invoke(body, self._reader, within_s)
        if len(rows) != 1:
            raise _wrong(self._endpoint.at, f"{len(rows)} vectors of one text")
        return _sound(self._endpoint.at, self._known, rows[0])


def _sound(at: Downstream, known: Known, vector: Vector) -> Vector:
    if len(vector) != known.dims:
        raise _wrong(at, f"a vector of {len(vector)}, not of {known.dims}")
    if not any(vector):
        raise _wrong(at, "a vector of zeros, which is near to nothing")
    return vector


def _wrong(at: Downstream, what: str) -> ProviderError:
    return at.error(Why.BROKEN, what)
