"""What the limits say to one message."""

from dataclasses import dataclass
from typing import Literal

Why = Literal["", "user", "guest", "guests", "models", "load"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Refused, it says what was full, and after how long asking again makes sense.

    `models`: whether a model may be called for it. One that is let in without may be answered by anything
    else: a cache, a template, the canned answers.
    """

    allowed: bool
    why: Why = ""
    retry_after_s: float = 0.0
    models: bool = True


PASS = Verdict(allowed=True)
