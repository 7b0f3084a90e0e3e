"""When each message is due, and in whose conversation (open model): it follows from scenario and seed alone.

Pure. People do not wait for one another, so a slow answer must not slow the next question down: that is
what a
closed loop does, and why it hides stalls. Moments follow the profile; each is dealt to a conversation whose
person has thought long enough, or begins a new one.
"""

import bisect
import heapq
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from contract.intents import Intent
from loadtests.personas import Journey, Persona, Personas, Shop, Turn
from loadtests.profile import Segment
from loadtests.scenario import Scenario

T = TypeVar("T")
# Who has been ready to write for so long is not passed over for somebody new.
_PATIENCE_S = 3.0
# A lane has some messages a second, or nobody's turn would ever come in time. Their number divides well.
_LANES = (1, 2, 4, 6, 12, 24, 60, 120, 240, 840)
_LANE_RATE = 2.0


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a conversation is with. `guest`: not signed in; `goods`: what it is about."""

    persona: str
    guest: bool
    channel: str
    goods: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message: its number in the whole schedule, and its moment after the beginning."""

    number: int
    at_s: float
    stage: str
    conversation: int
    turn: int
    last: bool  # of its conversation, as far as this schedule goes
    person: Person
    intent: Intent
    template: str

    def goods(self, shop: Shop, count: int = 1) -> list[str]:
        """ASINs that it is about: as many as asked for, one after the other."""
        products = shop.products
        return [products[(self.person.goods[0] + n) % len(products)].asin for n in range(count)]

    def text(self, shop: Shop, order: str) -> str:
        """What is said."""
        product, other = (shop.products[number % len(shop.products)] for number in self.person.goods)
        return self.template.format(product=product.title, other=other.title, kind=product.kind, order=order)


@dataclass(slots=True)
class _Conversation:
    number: int
    person: Person
    turns: tuple[Turn, ...]
    said: int = 0


def schedule(
    scenario: Scenario, people: Personas, seed: int, index: int = 0, of: int = 1
) -> Iterator[Arrival]:
    """The messages of worker `index` of `of` workers, in order: all shares together are the whole, none
    overlaps.

    Equal arguments give equal schedules, on every machine. The whole is made of lanes that know nothing of
    one another, as many for any number of workers: so a worker makes its own lanes and need not look at the
    others.
    """
    count = lanes(scenario)
    mine = (_lane(scenario, people, seed, lane, count) for lane in range(count) if lane % of == index)
    return heapq.merge(*mine, key=lambda arrival: (arrival.at_s, arrival.number))


def planned(scenario: Scenario, seed: int) -> int:
    """How many messages a schedule has in all."""
    by_chance, count = scenario.arrivals == "poisson", lanes(scenario)
    return sum(1 for lane in range(count) for _ in _below(_marks(by_chance, seed, lane, count), scenario))


def _below(marks: Iterator[float], scenario: Scenario) -> Iterator[float]:
    """Those that `moments` finds a moment for: its sum, piece by piece."""
    expected = 0.0
    for piece in scenario.segments:
        expected += piece.messages
    return itertools.takewhile(lambda mark: mark < expected, marks)


def lanes(scenario: Scenario) -> int:
    """How many there are; more workers than these cannot share it."""
    return max(count for count in _LANES if count == 1 or count * _LANE_RATE <= scenario.peak)


def _lane(scenario: Scenario, people: Personas, seed: int, lane: int, count: int) -> Iterator[Arrival]:
    chance = random.Random(f"talk {seed} {lane}")  # noqa: S311 - must be repeatable, guards nothing
    dealer = _Dealer(scenario, people, chance)
    due = moments(scenario.segments, _marks(scenario.arrivals == "poisson", seed, lane, count))
    for number, (at_s, stage) in enumerate(due):
        talk = dealer.next(at_s)
        turn = talk.turns[talk.said - 1]
        yield Arrival(
            number=number * count + lane,
            at_s=at_s,
            stage=stage,
            conversation=talk.number * count + lane,
            turn=talk.said - 1,
            last=talk.said == len(talk.turns),
            person=talk.person,
            intent=turn.intent,
            template=chance.choice(turn.say),
        )


class _Dealer:
    """Deals moments to conversations."""

    def __init__(self, scenario: Scenario, people: Personas, chance: random.Random) -> None:
        self._chance = chance
        self._think = scenario.think
        self._names, self._upto = _running(scenario.mix)
        self._channels, self._channels_upto = _running(scenario.channels)
        self._journeys = {name: _running_journeys(people[name]) for name in self._names}
        self._people = people
        self._hot = scenario.hot_share
        self._new_share = 1 / scenario.turns(people)
        self._ready: list[tuple[float, int, _Conversation]] = []
        self._count = 0

    def next(self, at_s: float) -> _Conversation:
        """Whose message this moment is; `said` counts it already."""
        ready = self._ready
        waits = ready and ready[0][0] <= at_s
        late = waits and ready[0][0] <= at_s - _PATIENCE_S
        if waits and (late or self._chance.random() >= self._new_share):
            talk = heapq.heappop(ready)[2]
        else:
            talk = self._begin()
        talk.said += 1
        if talk.said < len(talk.turns):
            low, high = talk.turns[talk.said].think_s
            ready_at = at_s + self._think * (low + (high - low) * self._chance.random())
            heapq.heappush(ready, (ready_at, talk.number, talk))
        return talk

    def _begin(self) -> _Conversation:
        draw = self._chance.random
        name = _drawn(self._names, self._upto, draw())
        channel = _drawn(self._channels, self._channels_upto, draw())
        journeys, upto = self._journeys[name]
        journey = _drawn(journeys, upto, draw())
        guest = draw() < self._people[name].guests
        number, self._count = self._count, self._count + 1
        return _Conversation(number, Person(name, guest, channel, self._goods()), journey.turns)

    def _goods(self) -> tuple[int, int]:
        """Two products; on a flash sale many people talk about the same one."""
        first, second = self._chance.getrandbits(16), self._chance.getrandbits(16)
        return (0 if self._chance.random() < self._hot else first, second)


def _running(shares: Mapping[str, float]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Names, and up to which number between 0 and 1 each is meant."""
    return tuple(shares), tuple(itertools.accumulate(shares.values()))


def _running_journeys(persona: Persona) -> tuple[tuple[Journey, ...], tuple[float, ...]]:
    whole = sum(journey.weight for journey in persona.journeys)
    return persona.journeys, tuple(itertools.accumulate(j.weight / whole for j in persona.journeys))


def _drawn(names: Sequence[T], upto: Sequence[float], drawn: float) -> T:
    return names[min(bisect.bisect_right(upto, drawn), len(names) - 1)]


def moments(pieces: Sequence[Segment], marks: Iterator[float]) -> Iterator[tuple[float, str]]:
    """Seconds after the beginning at which a message is due, and the stage it is in.

    Marks are set on the expected number of messages, evenly or by chance (Poisson), and each mark becomes the
    moment at which so many are expected. So both kinds follow every slope of the profile.
    """
    mark = next(marks)
    expected = 0.0
    for piece in pieces:
        while mark < expected + piece.messages:
            yield piece.begin_s + _moment(piece, mark - expected), piece.stage
            mark = next(marks)
        expected += piece.messages


def _marks(by_chance: bool, seed: int, lane: int, lanes: int) -> Iterator[float]:
    """Of one lane of many: every so-manieth of an even row, or a Poisson process of its own, as much
    thinner."""
    if not by_chance:
        yield from itertools.count(lane + 0.5, lanes)
    chance = random.Random(f"moments {seed} {lane}")  # noqa: S311 - must be repeatable, guards nothing
    mark = 0.0
    while True:
        mark += chance.expovariate(1.0 / lanes)
        yield mark


def _moment(piece: Segment, mark: float) -> float:
    """Seconds into a piece at which `mark` messages are expected: rate * t + slope / 2 * t * t = mark."""
    if mark <= 0:
        return 0.0
    first, slope = piece.first, (piece.last - piece.first) / piece.for_s
    root = math.sqrt(max(0.0, first * first + 2 * slope * mark))
    return min(piece.for_s, 2 * mark / (first + root))
