"""Buckets of this task alone, for while Valkey is down.

A customer's connection is with one task, so their own bucket here never refuses what the shared one would
have let through: they pass as long as they are within their rate. Guests cost nothing to make, so all of them
together get a floor and no more. Of the model calls each task takes its share.
"""

from collections import OrderedDict

from contract.people import Person
from contract.traffic_settings import BucketSettings, RateSettings


class Bucket:
    """The same arithmetic as take.lua: a token is a period's units, and a microsecond brings `most`."""

    __slots__ = ("_at", "_full", "_level", "_most", "_period")

    def __init__(self, settings: BucketSettings, share: int = 1) -> None:
        self._most = max(1, settings.most // share)
        self._period = settings.period_us
        self._full = self._level = self._most * self._period
        self._at = 0

    def wait_us(self, now_us: int) -> int:
        """Microseconds until it has a token; 0: it has."""
        self._level = min(self._full, self._level + max(0, now_us - self._at) * self._most)
        self._at = max(self._at, now_us)
        return max(0, -((self._level - self._period) // self._most))

    def take(self) -> None:
        """The token that `wait_us` has just found."""
        self._level -= self._period


class LocalBuckets:
    """The least recently seen are forgotten first."""

    def __init__(self, rates: RateSettings) -> None:
        self._rates = rates
        self._people: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._guests = Bucket(rates.guest_floor)
        self._models = Bucket(rates.model_calls, rates.tasks)

    def person(self, person: Person, now_us: int) -> int:
        """Takes one of their tokens, or says how long there is none."""
        bucket = self._of(person)
        wait = bucket.wait_us(now_us)
        if not wait:
            bucket.take()
        return wait

    def guest(self, now_us: int) -> int:
        """The same of what all guests have together."""
        return _take(self._guests, now_us)

    def model(self, now_us: int) -> int:
        """The same of this task's share of the model calls."""
        return _take(self._models, now_us)

    def _of(self, person: Person) -> Bucket:
        key = (person.kind, person.id)
        if (bucket := self._people.get(key)) is None:
            bucket = Bucket(self._rates.user if person.kind == "user" else self._rates.guest)
            self._people[key] = bucket
            if len(self._people) > self._rates.remembered:
                self._people.popitem(last=False)
        self._people.move_to_end(key)
        return bucket


def _take(bucket: Bucket, now_us: int) -> int:
    wait = bucket.wait_us(now_us)
    if not wait:
        bucket.take()
    return wait
