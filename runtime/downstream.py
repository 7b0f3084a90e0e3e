"""One service that the runtime asks: its deadline, its breaker, one repetition, and what became of each call.

Every client of `shop`, `retrieval` and `sessions` calls through one of these and knows no other error than
`ProviderError`. Models have a ladder of their own (`failover`); nothing of theirs belongs here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

from contract.outcomes import Outcome
from contract.runtime_settings import DownstreamSettings
from runtime.failover.breaker import Breaker, Change
from runtime.failover.budget import Budget

T = TypeVar("T")
Observe = Callable[[str, float, str], None]
Hear = Callable[[str, Change], None]
Spoil = Callable[["Downstream"], Awaitable[None]]


class Why(StrEnum):
    """What kept a provider from answering."""

    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    REFUSED = "refused"  # our request, or our right to make it
    DECLINED = "declined"  # understood, and answered with a no: a card, a product that is sold out
    BROKEN = "broken"  # an answer that is not what its contract says


# A refusal says nothing about the provider: another customer's call may do.
_OUTCOMES = {
    Why.TIMEOUT: Outcome.TIMEOUT,
    Why.UNAVAILABLE: Outcome.UNAVAILABLE,
    Why.THROTTLED: Outcome.THROTTLED,
    Why.REFUSED: Outcome.BAD_REQUEST,
    Why.DECLINED: Outcome.BAD_REQUEST,
    Why.BROKEN: Outcome.UNAVAILABLE,
}
GIVEN_UP = "given up for a while: too many calls failed"


class ProviderError(Exception):
    """A provider did not answer. `passing`: asked again at once, it may."""

    def __init__(self, provider: str, why: Why, detail: str = "", *, passing: bool = False) -> None:
        super().__init__(f"{provider}: {why}" + (f": {detail}" if detail else ""))
        self.provider = provider
        self.why = why
        self.detail = detail
        self.passing = passing


def unobserved(stage: str, seconds: float, outcome: str) -> None:
    """An observer that does not look."""


def unheard(provider: str, change: Change) -> None:
    """For a breaker nobody listens to."""


async def unspoilt(service: "Downstream") -> None:
    """No experiment is under way."""


class Downstream:
    """`observe` hears of every call: the provider, its seconds, and `ok`, a `Why`, `skipped` or `cancelled`.
    `spoil` comes before each call, as an experiment would have it (`runtime.fault_hook`).

    Make it inside the event loop whose time counts.
    """

    def __init__(
        self,
        name: str,
        deadline_s: float,
        settings: DownstreamSettings,
        observe: Observe = unobserved,
        hear: Hear = unheard,
        spoil: Spoil = unspoilt,
    ) -> None:
        self.name = name
        self.deadline_s = deadline_s
        self._now = asyncio.get_running_loop().time
        self._breaker = Breaker(settings.breaker, self._now, lambda change: hear(name, change))
        self._budget = Budget(settings.retry)
        self._observe = observe
        self._spoil = spoil

    async def ask(
        self, work: Callable[[], Awaitable[T]], *, again: bool = True, within_s: float = float("inf")
    ) -> T:
        """What `work` gives, or ProviderError. `again`: it may be called a second time. `within_s`: what is
        left of the caller's own time, where that is less than the deadline."""
        permit = self._breaker.admit()
        if permit is None:
            self._observe(self.name, 0.0, "skipped")
            raise self.error(Why.UNAVAILABLE, GIVEN_UP)
        began, outcome = self._now(), "cancelled"
        try:
            answer = await self._in_time(work, min(self.deadline_s, within_s), again=again)
            permit.settle(Outcome.OK)
            outcome = "ok"
        except ProviderError as error:
            permit.settle(_OUTCOMES[error.why])
            outcome = error.why.value
            raise
        except Exception as surprise:
            permit.settle(_OUTCOMES[Why.BROKEN])
            outcome = Why.BROKEN.value
            raise self.error(Why.BROKEN, f"{type(surprise).__name__}: {surprise}") from surprise
        finally:
            permit.release()  # of no effect on one that is settled
            self._observe(self.name, self._now() - began, outcome)
        return answer

    def error(self, why: Why, detail: str = "", *, passing: bool = False) -> ProviderError:
        return ProviderError(self.name, why, detail, passing=passing)

    async def _in_time(self, work: Callable[[], Awaitable[T]], seconds: float, *, again: bool) -> T:
        try:
            async with asyncio.timeout(seconds):
                await self._spoil(self)
                return await self._perhaps_twice(work, again=again)
        except TimeoutError:
            raise self.error(Why.TIMEOUT, f"no answer in {seconds:.3g} s") from None

    async def _perhaps_twice(self, work: Callable[[], Awaitable[T]], *, again: bool) -> T:
        self._budget.earn()
        try:
            return await work()
        except ProviderError as error:
            if not (again and error.passing and self._budget.spend()):
                raise
        return await work()
