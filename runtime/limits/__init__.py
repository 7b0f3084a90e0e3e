"""Who may ask how much (RUN-9): token buckets of people and of all model calls, and shedding under overload.

`limits` counts in Valkey (`shared`, `take.lua`), and by itself while that is down (`local`). `shedding` looks
at what this task has to do. Neither knows what a message says; what a refused client is told is the business
of whoever asks.
"""

from runtime.limits.limits import Limits
from runtime.limits.shedding import Shedding
from runtime.limits.verdict import PASS, Verdict

__all__ = ["PASS", "Limits", "Shedding", "Verdict"]
