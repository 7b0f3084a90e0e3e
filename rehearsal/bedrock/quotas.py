"""Capacity by the minute: what a call reserves when it comes, and what it has cost when it is over.

A call reserves its input and all of `maxTokens`; only afterwards is that replaced by what it really was, each
token of the answer burning down several (quotas.toml). So a careless `maxTokens` throttles an account that is
hardly used. Requests are counted by on-demand quotas only; units of one's own know tokens.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape
from rehearsal.bedrock.refusals import TOO_MANY_REQUESTS, TOO_MANY_TOKENS, throttled

_MINUTE_S = 60.0


class Quota(Shape):
    """What a minute holds, and how an answer is counted."""

    requests: int | None = Field(gt=0)
    tokens: int = Field(gt=0)
    burndown: int = Field(1, ge=1)
    most_output: int = Field(ge=0)


@cache
def usual() -> Mapping[str, Quota]:
    """quotas.toml: model -> its on-demand quota."""
    rows = tomllib.loads(Path(__file__).with_name("quotas.toml").read_text("utf-8"))
    return {key: Quota.model_validate(row) for key, row in rows.items()}


@dataclass
class _Bucket:
    """Holds a minute's worth at most, and refills evenly."""

    size: float
    now: Callable[[], float]
    level: float = field(init=False)
    _filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.level, self._filled_at = self.size, self.now()

    def refill(self) -> None:
        now = self.now()
        self.level = min(self.size, self.level + self.size * (now - self._filled_at) / _MINUTE_S)
        self._filled_at = now


class Pool:
    """One model's on-demand capacity, or that of one provisioned throughput. `now`: seconds of the story."""

    def __init__(self, quota: Quota, now: Callable[[], float]) -> None:
        self.quota = quota
        self._tokens = _Bucket(quota.tokens, now)
        self._requests = _Bucket(quota.requests, now) if quota.requests else None

    def reserve(self, asked: int, max_tokens: int | None) -> int:
        """Takes what the call may need at most, or refuses it as Bedrock does. Returns what was taken."""
        needed = asked + (self.quota.most_output if max_tokens is None else max_tokens)
        self._tokens.refill()
        if self._requests:
            self._requests.refill()
            if self._requests.level < 1:
                raise throttled(TOO_MANY_REQUESTS)
        if self._tokens.level < needed:
            raise throttled(TOO_MANY_TOKENS)
        if self._requests:
            self._requests.level -= 1
        self._tokens.level -= needed
        return needed

    def settle(self, reserved: int, asked: int, answered: int) -> None:
        """Gives back what was not used; takes more where the answer burnt more than was reserved."""
        self._tokens.refill()
        spent = asked + answered * self.quota.burndown
        self._tokens.level = min(self._tokens.size, self._tokens.level + reserved - spent)

    @property
    def left(self) -> Mapping[str, float]:
        """For people: what the minute still holds."""
        self._tokens.refill()
        return {"tokens": round(self._tokens.level), "of": self.quota.tokens}
