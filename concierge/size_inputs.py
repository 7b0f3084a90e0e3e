"""What `concierge size` is given: a load scenario as pieces of a profile, and as what a rehearsal asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from loadtests.scenario import Scenario
    from sizing.recording import Load
    from sizing.traffic import Traffic

Role = Literal["calibration", "held-out"]


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
        rates=tuple(pieces(found)),
        faults=found.faults,
        short=_short(found, simple_words),
    )


def _short(found: "Scenario", simple_words: int) -> dict[str, float]:
    """Intent -> share of what people say about it that is short."""
    short: dict[str, float] = {}
    total: dict[str, float] = {}
    for name, share in found.mix.items():
        journeys = found.people[name].journeys
        whole = sum(journey.weight for journey in journeys)
        for journey in journeys:
            for turn in journey.turns:
                weight = share * journey.weight / whole
                brief = sum(len(text.split()) <= simple_words for text in turn.say) / len(turn.say)
                short[turn.intent.value] = short.get(turn.intent.value, 0.0) + weight * brief
                total[turn.intent.value] = total.get(turn.intent.value, 0.0) + weight
    return {intent: round(short[intent] / total[intent], 4) for intent in sorted(total)}
