"""One call on its way through the stand-in, and the count of what became of all of them."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from uuid import UUID

from rehearsal.bedrock.account import Target, known
from rehearsal.bedrock.quotas import Pool
from rehearsal.faults import Struck

GUARDRAILS = "guardrails"  # what calls of ApplyGuardrail are counted under
_TIMES = 500  # of the last answers, for whoever looks every moment
_ENDINGS = ("open", "answered", "abandoned", "broken", "throttled", "refused")


@dataclass(slots=True)
class Call:
    """`arrived` in seconds of the story. `named`: the model as the call named it; `region`: where it was
    made; `struck`: what is to go wrong with its answer."""

    route: str
    random: Random
    request_id: str
    arrived: float
    target: Target | None = None
    named: str = ""
    region: str = ""
    customer: str = ""
    first_token_s: float | None = None  # from its arrival to the first piece of a streamed answer
    struck: Struck | None = None
    pool: Pool | None = None
    reserved: int = 0
    broken: bool = False

    @classmethod
    def arriving(cls, route: str, seed: int, number: int, now: float) -> "Call":
        random = Random(f"{seed}/{number}")  # noqa: S311 - repeatable, not secret
        return cls(route, random, str(UUID(int=random.getrandbits(128), version=4)), now)

    @property
    def counted_as(self) -> str:
        return self.target.key if self.target else GUARDRAILS

    @property
    def attributes(self) -> Mapping[str, str]:
        """What a fault may be narrowed by."""
        return {
            "model": self.counted_as,
            "route": self.route,
            "customer": self.customer,
            "region": self.region,
        }

    def settle(self, asked: int, answered: int) -> None:
        """Tells the quota what the call has really cost. Once: nothing is held afterwards."""
        if self.pool is not None:
            self.pool.settle(self.reserved, asked, answered)
            self.pool = None


class Counts:
    """By model: calls that are open, answered, left by the client, broken, throttled, otherwise refused."""

    def __init__(self) -> None:
        self.first_ms = {key: deque[float](maxlen=_TIMES) for key in known()}
        self.by_model = {key: dict.fromkeys(_ENDINGS, 0) for key in (*known(), GUARDRAILS)}

    def refused(self, call: Call, *, throttled: bool) -> None:
        self.by_model[call.counted_as]["throttled" if throttled else "refused"] += 1

    @contextmanager
    def open(self, call: Call) -> Iterator[None]:
        """For as long as the call is answered. A client that leaves cancels this, wherever it is."""
        counts, ending = self.by_model[call.counted_as], "abandoned"
        counts["open"] += 1
        try:
            yield
            ending = "broken" if call.broken else "answered"
        finally:
            counts["open"] -= 1
            counts[ending] += 1
            if call.first_token_s is not None and call.counted_as in self.first_ms:
                self.first_ms[call.counted_as].append(round(call.first_token_s * 1_000, 3))
