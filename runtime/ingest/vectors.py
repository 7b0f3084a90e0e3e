"""Vectors of many texts, a few at a time and patiently."""

import asyncio
from collections.abc import Mapping, Sequence

from contract.ingest_settings import IngestSettings
from runtime.downstream import ProviderError, Why
from runtime.ingest.wire import BusyError, patiently
from runtime.retrieval.embedders import Embedder, Vector

_LATER = frozenset({Why.TIMEOUT, Why.UNAVAILABLE, Why.THROTTLED})


class Vectors:
    """`embedder`: the one of the index."""

    def __init__(self, embedder: Embedder, settings: IngestSettings) -> None:
        self._embedder = embedder
        self._settings = settings
        self._room = asyncio.Semaphore(settings.embeds)
        self.made = 0

    @property
    def key(self) -> str:
        return self._embedder.key

    async def of(self, texts: Mapping[str, str]) -> tuple[Mapping[str, Vector], Mapping[str, str]]:
        """Key -> vector, and key -> why there is none: a text the model will not have."""
        names = list(texts)
        found = await asyncio.gather(*(self._one(texts[name]) for name in names))
        made = {name: one for name, one in zip(names, found, strict=True) if not isinstance(one, str)}
        refused = {name: one for name, one in zip(names, found, strict=True) if isinstance(one, str)}
        return made, refused

    async def _one(self, text: str) -> Sequence[float] | str:
        async def once() -> Vector:
            try:
                async with self._room:
                    return await self._embedder.embed(text, self._settings.embed_s)
            except ProviderError as error:
                if error.why in _LATER:
                    raise BusyError(str(error)) from error
                raise

        try:
            vector: Vector = await patiently(once, self._settings)
        except ProviderError as refused:
            return f"the embedder will not have it: {refused}"
        self.made += 1
        return vector
