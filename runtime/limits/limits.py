"""Whether a message may come in, and whether a model may be called for it. Asked before it is understood."""

from collections.abc import Callable

from contract.people import Person
from contract.traffic_settings import RateSettings
from runtime.limits.local import LocalBuckets
from runtime.limits.shared import Taken, Wanted, take
from runtime.limits.verdict import PASS, Verdict, Why
from runtime.telemetry import Telemetry
from runtime.valkey import Store, ValkeyError, word

MODELS: Why = "models"


class Limits:
    """`now` is the loop's time. One round trip a message; a dead Valkey costs none."""

    def __init__(
        self, store: Store, rates: RateSettings, telemetry: Telemetry, now: Callable[[], float]
    ) -> None:
        self._store = store
        self._buckets = {"user": rates.user, "guest": rates.guest}
        self._models = Wanted(MODELS, rates.model_calls, needed=False)
        self._telemetry = telemetry
        self._now = now
        self._local = LocalBuckets(rates)

    async def admit(self, person: Person) -> Verdict:
        """Takes a token of the person's and, if there is one, of the model calls'."""
        own = Wanted(f"{person.kind}:{word(person.id)}", self._buckets[person.kind])
        try:
            taken = await take(self._store, (own, self._models))
        except ValkeyError:
            verdict = self._by_ourselves(person)
        else:
            verdict = _verdict(taken, person.kind)
        return self._told(verdict)

    async def model_call(self) -> Verdict:
        """For each further model call of a message: the first is part of `admit`."""
        try:
            taken = await take(self._store, (self._models,))
        except ValkeyError:
            wait_us = self._local.model(self._now_us())
        else:
            wait_us = 0 if taken.lacking is None else taken.lacking_us
        return self._told(_refused(MODELS, wait_us)) if wait_us else PASS

    def _by_ourselves(self, person: Person) -> Verdict:
        """A customer within their rate passes. Guests pass while all of them together are few."""
        now = self._now_us()
        if wait := self._local.person(person, now):
            return _refused(person.kind, wait)
        if person.kind == "guest" and (wait := self._local.guest(now)):
            return _refused("guests", wait)
        return _without_models(self._local.model(now))

    def _now_us(self) -> int:
        return round(self._now() * 1_000_000)

    def _told(self, verdict: Verdict) -> Verdict:
        if verdict.why:
            self._telemetry.metrics({"Limited": 1}, {"Kind": verdict.why})
        return verdict


def _verdict(taken: Taken, kind: Why) -> Verdict:
    if taken.refused is not None:
        return _refused(kind, taken.wait_us)
    return _without_models(0 if taken.lacking is None else taken.lacking_us)


def _refused(why: Why, wait_us: int) -> Verdict:
    return Verdict(allowed=False, why=why, retry_after_s=wait_us / 1_000_000, models=False)


def _without_models(wait_us: int) -> Verdict:
    if not wait_us:
        return PASS
    return Verdict(allowed=True, why="models", retry_after_s=wait_us / 1_000_000, models=False)
