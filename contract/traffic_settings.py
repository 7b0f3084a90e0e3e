"""How much the runtime takes on, what it says again, and what it tells of it: part of `runtime_settings`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contract.base import Knobs
from contract.intents import Intent


class ValkeySettings(Knobs):
    """The connection to Valkey: what a command may cost, and how a lost one comes back."""

    command_s: float = Field(
        0.02,
        gt=0,
        le=1,
        description="longest wait for a reply: nobody notices, and a busy task still hears it",
    )
    connect_s: float = Field(1.0, gt=0, description="longest wait for a connection that is signed in")
    first_pause_s: float = Field(0.1, gt=0, description="longest wait before the first new try; doubles")
    longest_pause_s: float = Field(5.0, gt=0, description="longest wait of all")
    renew_s: float = Field(
        21_600.0, gt=0, description="time after which it signs in again: ElastiCache ends it after 12 hours"
    )


class BucketSettings(Knobs):
    """A token bucket: full at first, then so many a period."""

    most: int = Field(ge=1, le=100_000_000, description="messages at once, and messages a period")
    per_s: float = Field(60.0, ge=0.001, le=3_600, description="the period, to the microsecond")

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if self.most * self.period_us > 2**53:  # Lua counts in doubles
            raise ValueError(f"{self.most} in {self.per_s} s is too fine to count: shorten per_s")
        return self

    @property
    def period_us(self) -> int:
        return round(self.per_s * 1_000_000)


class RateSettings(Knobs):
    """How much one person, and everybody together, may ask (RUN-9)."""

    user: BucketSettings = BucketSettings(most=30)
    guest: BucketSettings = BucketSettings(most=10)
    model_calls: BucketSettings = Field(
        BucketSettings(most=3_000, per_s=1.0), description="calls to models by all tasks together"
    )
    tasks: int = Field(2, ge=1, description="tasks that share the caps while Valkey is down")
    guest_floor: BucketSettings = Field(
        BucketSettings(most=5, per_s=1.0),
        description="messages of all guests of a task that still pass while Valkey is down",
    )
    remembered: int = Field(20_000, ge=1, description="persons a task remembers while Valkey is down")


# As a stack file writes it: a list of words.
_Step = Annotated[tuple[Annotated[Intent, Field(strict=False)], ...], Field(strict=False)]


class SheddingSettings(Knobs):
    """Who is sent away first when there is too much to do (RUN-9)."""

    order: tuple[_Step, ...] = Field(
        (
            (Intent.GENERAL,),
            (Intent.RECOMMENDATION, Intent.COMPARISON),
            (Intent.PRODUCT_INFO,),
            (Intent.COMPLAINT, Intent.REFUND, Intent.DELIVERY, Intent.CART),
            (Intent.ESCALATION,),
            (Intent.ORDER_STATUS, Intent.PAYMENT),
        ),
        strict=False,
        description="intents, those that are shed first in front",
    )
    begin: float = Field(0.7, gt=0, le=1, description="load from which the first are shed; the last at 1")
    most: int = Field(1_000, ge=1, description="messages of a task at a time, at most: load 1")
    floor: int = Field(200, ge=1, description="messages at a time that are always load below 1")
    lag_s: float = Field(
        0.1, gt=0, description="lateness of the event loop from which fewer messages are taken"
    )
    watch_s: float = Field(0.25, gt=0, description="time between two looks at it")
    retry_s: float = Field(5.0, gt=0, description="what who is shed is told to wait, and up to twice that")

    @model_validator(mode="after")
    def _every_intent_once(self) -> Self:
        named = [intent for intents in self.order for intent in intents]
        if missing := [intent for intent in Intent if intent not in named]:
            raise ValueError(f"order names no {missing[0]}: put it where it belongs")
        if len(named) != len(set(named)) or not all(self.order):
            raise ValueError("order names an intent twice, or has an empty step: correct it")
        return self


class CacheSettings(Knobs):
    """Answers and lookups that are kept (RUN-8). The switches show what each of them is good for."""

    answers_s: float = Field(3_600.0, gt=0, description="time that an answer is good for")
    api_s: float = Field(
        300.0, gt=0, description="time that what a provider told is good for, and an answer that holds it"
    )
    stale_s: float = Field(
        60.0, ge=0, description="time past that for which it is kept for want of a new one"
    )
    coalesce: bool = Field(True, description="of all who want the same thing at a time one makes it")
    lease_s: float = Field(
        10.0, gt=0, description="time in which a task has to make what the others wait for"
    )
    wait_s: float = Field(6.0, ge=0, description="longest wait for what somebody else makes; then by oneself")
    again_s: float = Field(0.05, gt=0, description="time between two looks while waiting for another task")
    early: bool = Field(True, description="entries are renewed before their time, by chance (XFetch)")
    beta: float = Field(1.0, gt=0, description="how early: 1 is right, more is sooner")
    semantic: bool = Field(True, description="answers are found by what a question means, too")
    similar: float = Field(0.95, gt=0, le=1, description="cosine from which two questions mean the same")
    similar_aggressive: float = Field(
        0.90, gt=0, le=1, description="the same while the cache mode is aggressive"
    )
    group: int = Field(64, ge=1, description="questions remembered of those that differ in words only")
    groups: int = Field(2_000, ge=1, description="such groups that a task remembers")
    mirror_s: float = Field(5.0, ge=0, description="time between two looks for what other tasks have learned")

    @property
    def longest_s(self) -> float:
        """No entry lives longer."""
        return max(self.answers_s, self.api_s) + self.stale_s


class TracingSettings(Knobs):
    """Which messages are traced, if there is a collector for it, and how soon metrics are written."""

    ratio: float = Field(
        0.05, ge=0, le=1, description="share of the messages that are traced, unless the caller has decided"
    )
    flush_s: float = Field(
        1.0, gt=0, description="time after which metrics that share a line are written, at the latest"
    )
