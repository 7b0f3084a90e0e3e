"""What was computed once and may be said again (RUN-8): answers, and what providers told us.

`shelf` keeps entries in Valkey, each with the state the next asker finds it in. `lookups` is for small things
such as prices; `answers` for whole answers, found by the same words or, through `similar`, by what they mean;
`question` says which questions are the same. A cache that is down costs nothing, a slow one its deadline, and
neither fails anybody.
"""

from runtime.caches.answers import Answers, Made, Mode, Turn
from runtime.caches.lookups import Lookups
from runtime.caches.question import Question
from runtime.caches.shelf import Codec, Shelf, invalidate
from runtime.caches.similar import Similar

__all__ = [
    "Answers",
    "Codec",
    "Lookups",
    "Made",
    "Mode",
    "Question",
    "Shelf",
    "Similar",
    "Turn",
    "invalidate",
]
