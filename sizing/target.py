"""The load that everything is sized for: the busiest minute with headroom, and what may be lost."""

from dataclasses import dataclass

from sizing.assumptions import Assumptions
from sizing.demand import ANSWER_S, Demand
from sizing.documents import SizingError
from sizing.traffic import MINUTE_S, MOST_RATE

MOST_SESSIONS = 10e9  # more than there are people


@dataclass(frozen=True)
class Target:
    """`connect_s`: in so long everybody must be able to connect (anew). `zone_lost`: one of the zones."""

    messages_s: float
    sessions: float
    assumed: Assumptions
    headroom: float = 1.2
    connect_s: float = 300.0
    zone_lost: bool = True

    def __post_init__(self) -> None:
        if not self.messages_s > 0 or not self.sessions > 0:
            raise SizingError("a target needs messages and sessions above 0: give --rate and --sessions")
        if not self.headroom >= 1:
            raise SizingError(f"headroom {self.headroom:g}: must be 1 or more")
        if not self.planned_s <= MOST_RATE:
            raise SizingError(
                f"{self.messages_s:g} messages a second with headroom {self.headroom:g}: "
                f"give {MOST_RATE:,.0f} at most"
            )
        if not self.sessions <= MOST_SESSIONS:
            raise SizingError(f"{self.sessions:g} sessions: give {MOST_SESSIONS:,.0f} at most")

    @classmethod
    def of(cls, demand: Demand, headroom: float, sessions: float | None = None) -> "Target":
        """The busiest minute of a demand."""
        peak = float(demand.messages.max()) / MINUTE_S
        return cls(peak, sessions or float(demand.sessions.max()), demand.assumed, headroom)

    @property
    def planned_s(self) -> float:
        """Messages a second with headroom."""
        return self.messages_s * self.headroom

    def work_s(self, what: str) -> float:
        """Calls, units or bytes a second of one kind, with headroom."""
        a_message: float = getattr(self.assumed.work, what)
        return self.planned_s * a_message

    def calls_s(self, model: str) -> float:
        """Calls of a model a second, with headroom."""
        return self.planned_s * self.assumed.calls_a_message.get(model, 0.0)

    def requests_s(self, model: str) -> float:
        """Requests to a model a second, with headroom: a call that uses tools asks again."""
        return self.calls_s(model) * self.assumed.calls[model].rounds

    @property
    def streams(self) -> float:
        """Answers that are being written at a time."""
        return sum(self.calls_s(model) * ANSWER_S[model] for model in self.assumed.calls_a_message)
