"""What `concierge size` is given: a load scenario as pieces of a profile, and as what a rehearsal asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from loadtests.scenario import Scenario
    from sizing.recording import Load
    from sizing.traffic import Traffic

Role = Literal["calibration", "held-out"]
_SEED = 1  # that of `concierge load run`, where nobody says another


def pieces(found: "Scenario") -> Sequence[tuple[float, float, float]]:
    """Seconds, and messages a second at the first and at the last moment, of each straight piece."""
    return [(piece.for_s, piece.first, piece.last) for piece in found.segments]


def profile(name: str, spread: float) -> "Traffic":
    """A scenario's curve as minutes."""
    from loadtests import scenario as scenarios
    from sizing import traffic

    found = scenarios.load(name)
    return traffic.of_profile(pieces(found), f"scenario {found.name}", spread)


def asked(found: "Scenario", role: Role, simple_words: int) -> "Load":
    """What is known of a rehearsal before it begins. `simple_words`: as the runtime's routing counts them."""
    from sizing.recording import Load

    return Load(
        name=found.name,
        role=role,
        length_s=found.length_s,
        faults=found.faults,
        short=_short(found, simple_words),
    )


def _short(found: "Scenario", simple_words: int) -> frozenset[int]:
    """Numbers of the messages that are, products by their names."""
    from loadtests import arrivals

    return frozenset(
        arrival.number
        for arrival in arrivals.schedule(found, found.people, _SEED)
        if len(arrival.text(found.shop, "order").split()) <= simple_words
    )
