"""Search, Bedrock and SageMaker as stand-ins, and retrieval opened on them for one scene."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from aiohttp import web

from contract.model_access import ModelCalls
from contract.runtime_settings import BreakerSettings, BudgetSettings, DownstreamSettings, RetrievalSettings
from rehearsal import serving
from rehearsal.bedrock.server import Bedrock
from rehearsal.sagemaker import classifier
from rehearsal.sagemaker.server import SageMaker
from rehearsal.search import corpus
from rehearsal.search.server import Search
from runtime.places import Places
from runtime.retrieval.opening import open_retrieval
from tests.rehearsal.serving_helpers import fault, http, in_thread
from tests.runtime.shop_helpers import Seen

T = TypeVar("T")
SPEED = 60
PATIENT = {"intent_s": 1.0, "embed_s": 5.0, "search_s": 5.0, "rerank_s": 5.0, "total_s": 9.0}
CALM = DownstreamSettings(breaker=BreakerSettings(enabled=False), retry=BudgetSettings(most=0))


@dataclass
class Library:
    """Where the stand-ins are, and what the observer heard."""

    search: str
    bedrock: str
    sagemaker: str
    seen: Seen

    @property
    def places(self) -> Places:
        return Places(
            search=self.search,
            intent_endpoint="concierge-dev-intent",
            embed_endpoint="concierge-dev-embed",
            rerank_endpoint="concierge-dev-rerank",
        )

    def visit(
        self,
        scene: Callable[[Any], Awaitable[T]],
        places: Places | None = None,
        calls: ModelCalls | None = None,
        asking: DownstreamSettings = CALM,
        **settings: Any,
    ) -> T:
        """What comes of a scene; deadlines are long unless a test shortens one."""
        chosen = RetrievalSettings(**{**PATIENT, **settings})

        async def play() -> T:
            async with open_retrieval(
                places or self.places,
                chosen,
                asking,
                region="us-east-1",
                calls=lambda: calls,
                observe=self.seen.observe,
            ) as parts:
                return await scene(parts)

        return asyncio.run(play())

    def breaks(self, target: str, kind: str, **how: Any) -> None:
        url = {"search": self.search, "bedrock": self.bedrock, "sagemaker": self.sagemaker}[target]
        status, said = http("POST", f"{url}/_concierge/faults", fault(target, kind, **how))
        assert status == 201, said

    def mend(self) -> None:
        for url in (self.search, self.bedrock, self.sagemaker):
            http("DELETE", f"{url}/_concierge/faults")
        self.seen.calls.clear()


@contextmanager
def open_library() -> Iterator[Library]:
    search, bedrock, sagemaker = Search(seed=7, speed=SPEED), Bedrock(speed=SPEED), SageMaker(speed=SPEED)
    corpus.fill(search.cluster, seed=7)
    classifier.trained()  # takes a second, which the first call would wait for
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:

        def served(app: web.Application) -> str:
            return stack.enter_context(in_thread(lambda: serving.serving(app)))

        library = Library(served(search.app()), served(bedrock.app()), served(sagemaker.app()), Seen())
        environment.setenv("AWS_ACCESS_KEY_ID", "nobody")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
        environment.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", library.bedrock)
        environment.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", library.sagemaker)
        yield library
