"""The shop's stand-ins, and a client of them that is opened for one scene."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from contract.runtime_settings import BreakerSettings, BudgetSettings, DownstreamSettings, ProvidersSettings
from rehearsal.shop import services
from rehearsal.shop.__main__ import serving
from runtime.places import Places
from runtime.shop.opening import open_shop
from tests.rehearsal.serving_helpers import fault, http, in_thread

T = TypeVar("T")
FAST = 60  # the stand-ins' waits shrink: what is tested is what comes, not when
# Breakers never open, and a retry is always affordable: for tests of what one call does.
CALM = DownstreamSettings(breaker=BreakerSettings(enabled=False), retry=BudgetSettings(share=1.0, most=100))


@dataclass
class Seen:
    """What an observer heard: (provider, outcome)."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def observe(self, stage: str, seconds: float, outcome: str) -> None:
        assert seconds >= 0
        self.calls.append((stage, outcome))


@dataclass
class Market:
    """The stand-ins while they stand."""

    stand_in: services.Shop
    urls: Mapping[str, str]
    controls: Mapping[str, str]
    seen: Seen = field(default_factory=Seen)
    headers: dict[str, str] = field(default_factory=dict)

    def places(self, **changed: str) -> Places:
        at = self.urls
        named = {
            "catalogue": at["catalogue"],
            "product_search": at["product-search"],
            **{name: at[name] for name in ("pricing", "recommendation", "shipping", "promotions", "orders")},
        }
        return Places(**{**named, **changed})

    def visit(
        self,
        scene: Callable[[Any], Awaitable[T]],
        places: Places | None = None,
        asking: DownstreamSettings = CALM,
        **settings: Any,
    ) -> T:
        """What comes of a scene with everything open; deadlines are long unless a test shortens one."""
        patient = dict.fromkeys((n for n in ProvidersSettings.model_fields if n.endswith("_s")), 5.0)
        chosen = ProvidersSettings(**{**patient, **settings})

        async def play() -> T:
            async with open_shop(
                places or self.places(),
                chosen,
                asking,
                region="us-east-1",
                headers=lambda: self.headers,
                observe=self.seen.observe,
            ) as shop:
                return await scene(shop)

        return asyncio.run(play())

    def breaks(self, target: str, kind: str, **how: Any) -> None:
        status, said = http("POST", f"{self.controls[target]}/_concierge/faults", fault(target, kind, **how))
        assert status == 201, said

    def struck(self, target: str) -> int:
        """Ends its faults: how many calls the last of them has seen."""
        http("DELETE", f"{self.controls[target]}/_concierge/faults")
        return int(http("GET", f"{self.controls[target]}/_concierge/injections")[1][-1]["seen"])

    def mend(self) -> None:
        for url in self.controls.values():
            http("DELETE", f"{url}/_concierge/faults")
        self.seen.calls.clear()
        self.headers.clear()


@contextmanager
def open_market() -> Iterator[Market]:
    stand_in = services.Shop(seed=7, speed=FAST)
    with in_thread(lambda: serving(stand_in, 7)) as said:
        yield Market(stand_in, said["urls"], said["controls"])
