"""What a load is: how many messages a second when, who sends them, what they ask, and what must hold.

One TOML file each in `scenarios/`; who people are and what they say is in `data/`. Nothing here sends
anything.
"""

import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from contract.base import Shape
from contract.faults import Stage as FaultStage
from loadtests import documents
from loadtests import gates as thresholds
from loadtests import personas as cast
from loadtests.documents import DocumentError
from loadtests.gates import Gate
from loadtests.personas import Persona, Personas, Shop
from loadtests.profile import Burst, Day, Segment, Stage, segments

FOLDER = Path(__file__).with_name("scenarios")
CHANNELS = ("chat", "rest", "tools", "catalogue")
_SHARES_SLACK = 1e-6
_ANSWER_S = 3.0


class Limits(Shape):
    """What a person would call a good answer; goodput is the share of messages that got one."""

    first_token_ms: float = Field(2_500, gt=0)
    end_to_end_ms: float = Field(8_000, gt=0)
    stall_ms: float = Field(1_000, gt=0, description="a silence within an answer that a person notices")


class GateShape(Shape):
    """A threshold that does more than judge at the end."""

    hold: str = Field(description='such as "p95 < 900ms"')
    abort: bool = Field(False, description="the run ends as soon as it is broken")
    after_s: float = Field(10.0, ge=0, description="abort: not before so many seconds")


class Otherwise(Shape):
    """What the load itself does differently."""

    times: float = Field(1.0, gt=0, le=1_000, description="so many times the messages")
    lookups: int | None = Field(None, ge=1, le=100, description="products a call")
    connect_each: bool | None = Field(None, description="a connection for each conversation")


class Switch(Shape):
    """What takes the protection away that this scenario is about: before, and after."""

    title: str = Field(description="what is switched off")
    settings: Mapping[str, str] = Field(
        default_factory=dict, description="setting of the runtime -> value, as `--set` takes them"
    )
    load: Otherwise = Otherwise()
    breaks: str = Field("", description="the gate that fails without it; none: only figures differ")


class Scenario(Shape):
    """One load, and when a run of it counts and passes."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="what reports call it, such as prime-day")
    title: str = Field("", description="what it shows, in a line")
    users: int = Field(
        gt=0, le=1_000_000, description="people with an open socket, each with one conversation at a time"
    )
    arrivals: Literal["poisson", "exact"] = Field(
        "poisson", description="moments by chance, as people come, or evenly spread"
    )
    answer_within_s: float = Field(30.0, gt=0, description="a message without its end by then has failed")
    lag_limit_ms: float = Field(
        100.0,
        gt=0,
        description="a generator later than this in 1 of 100 moments measured itself: run invalid",
    )
    mix: Mapping[str, float] = Field(description="share of each persona")
    channels: Mapping[str, float] = Field(
        default_factory=lambda: {"chat": 1.0}, description=f"share of each way in: {', '.join(CHANNELS)}"
    )
    personas: str = Field("personas", description="who they are: a name in data/, or a .toml file")
    data: str = Field("shop", description="what they talk about: a name in data/, or a .toml file")
    think: float = Field(1.0, ge=0, le=100, description="times the personas' own think times")
    connect_each: bool = Field(False, description="a connection for each conversation, not one a person")
    lookups: int = Field(100, ge=1, le=100, description="products a call, on the way in `catalogue`")
    one_session: bool = Field(False, description="all devices of a customer share one session")
    hot_share: float = Field(0.0, ge=0, le=1, description="of conversations are about the same product")
    good: Limits = Limits()
    gates: Mapping[str, str | GateShape] = Field(default_factory=dict, description='[gates] "failed" = ...')
    stages: tuple[Stage, ...] = Field((), description="[[stages]] with for_s and rate, in order")
    day: Day | None = Field(None, description="[day] instead of stages")
    bursts: tuple[Burst, ...] = Field((), description="[[bursts]] on top of stages or day")
    knee: bool = Field(False, description="a breakpoint: the report says from which rate on it did not hold")
    faults: tuple[FaultStage, ...] = Field(
        (), description="[[faults]] that are made where there are stand-ins"
    )
    settings: Mapping[str, str] = Field(default_factory=dict, description="settings it is meant for")
    switches: Mapping[str, Switch] = Field(default_factory=dict, description="[switches.NAME]: without it")

    @model_validator(mode="after")
    def _can_be_run(self) -> Self:
        if bool(self.stages) == (self.day is not None):
            raise ValueError("stages: write either [[stages]] or a [day]")
        if self.messages < 1:
            raise ValueError("stages: send no message at all: give one of them a rate")
        for name, shares in (("mix", self.mix), ("channels", self.channels)):
            _whole(name, shares)
        if unknown := sorted(set(self.channels) - set(CHANNELS)):
            raise ValueError(f"channels.{unknown[0]}: there is no such way in: {', '.join(CHANNELS)}")
        known = self.people.names
        if unknown := sorted(set(self.mix) - set(known)):
            raise ValueError(f"mix.{unknown[0]}: there is no such persona: {', '.join(known)}")
        read = {gate.text for gate in self.judged}
        for name, switch in self.switches.items():
            if switch.breaks and switch.breaks not in (*self.gates, *read):
                raise ValueError(f"switches.{name}.breaks: {switch.breaks!r} is none of the gates")
        return self

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The profile."""
        return segments(self.stages, self.day, self.bursts)

    @cached_property
    def judged(self) -> tuple[Gate, ...]:
        """Its gates, read."""
        return tuple(
            gate
            for measure, wanted in self.gates.items()
            for gate in (
                thresholds.parse(measure, wanted)
                if isinstance(wanted, str)
                else thresholds.parse(measure, wanted.hold, wanted.after_s if wanted.abort else None)
            )
        )

    @property
    def people(self) -> Personas:
        """Who they are."""
        return cast.personas(_data_file(self.personas))

    @property
    def shop(self) -> Shop:
        """What they talk about."""
        return cast.shop(self.data)

    @property
    def length_s(self) -> float:
        """From the first moment to the last."""
        last = self.segments[-1]
        return last.begin_s + last.for_s

    @property
    def messages(self) -> float:
        """How many are expected in all."""
        return sum(piece.messages for piece in self.segments)

    @property
    def peak(self) -> float:
        """The most messages a second."""
        return max(max(piece.first, piece.last) for piece in self.segments)

    @property
    def guests(self) -> float:
        """Share of conversations in which nobody is signed in."""
        return sum(share * self.people[name].guests for name, share in self.mix.items())

    @property
    def open_conversations(self) -> int:
        """About how many are under way at the peak: those begun while one lasts, with answers of a few
        seconds."""
        shares = ((share, self.people[name]) for name, share in self.mix.items())
        lasts_s = sum(share * _lasts_s(persona, self.think) for share, persona in shares)
        return math.ceil(self.peak / self.turns() * lasts_s)

    @property
    def bin_s(self) -> float:
        """How long the stretches are for which figures are kept apart: the same in every process."""
        return max(1.0, self.length_s / 120)

    def turns(self, people: Personas | None = None) -> float:
        """Messages of a conversation, on average."""
        found = people or self.people
        return sum(share * _turns(found[name]) for name, share in self.mix.items())

    def lasting(self, seconds: float) -> Self:
        """The same story at the same rates, stretched or shrunk to another length."""
        if not seconds > 0:
            raise DocumentError(f"length {seconds:g}: must be a number of seconds above 0")
        scale = seconds / self.length_s
        changed = {
            "stages": tuple(s.model_copy(update={"for_s": s.for_s * scale}) for s in self.stages),
            "day": self.day and self.day.model_copy(update={"for_s": self.day.for_s * scale}),
            "bursts": tuple(
                b.model_copy(
                    update={"at_s": b.at_s * scale, "for_s": b.for_s * scale, "fade_s": b.fade_s * scale}
                )
                for b in self.bursts
            ),
        }
        return self._with(changed)

    def at_rate(self, times: float) -> Self:
        """The same story with so many times the messages, and the people for them."""
        if not times > 0:
            raise DocumentError(f"rate {times:g}: must be a number above 0")
        changed = {
            "users": max(1, round(self.users * times)),
            "stages": tuple(
                s.model_copy(
                    update={
                        "rate": s.rate * times,
                        "from_rate": None if s.from_rate is None else s.from_rate * times,
                    }
                )
                for s in self.stages
            ),
            "day": self.day and self.day.model_copy(update={"peak": self.day.peak * times}),
            "bursts": tuple(b.model_copy(update={"more": b.more * times}) for b in self.bursts),
        }
        return self._with(changed)

    def faster(self, speed: float) -> Self:
        """The same people and messages in a time so many times shorter: what is measured shrinks alike."""
        if speed == 1:
            return self
        quicker = self.lasting(self.length_s / speed).at_rate(speed)
        return quicker._with(
            {
                "users": self.users,
                "think": self.think / speed,
                "answer_within_s": self.answer_within_s / speed,
            }
        )

    def without(self, names: Iterable[str]) -> Self:
        """The same load with these switched off, as far as the load itself does something differently."""
        found = self
        for name in names:
            if name not in found.switches:
                known = ", ".join(self.switches) or "none"
                raise DocumentError(f"{self.name} has no switch {name!r}; it has: {known}")
            other = found.switches[name].load
            users = found.users
            given = other.model_dump(exclude={"times"}, exclude_none=True)
            found = found.at_rate(other.times)._with({"users": users, **given})
        return found

    def _with(self, changed: Mapping[str, object]) -> Self:
        """Checked anew; what was computed of the old one is not taken along."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**fields, **changed})


def _whole(name: str, shares: Mapping[str, float]) -> None:
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > _SHARES_SLACK:
        raise ValueError(f"{name}: shares make {sum(shares.values()):g}: they must make 1, none below 0")


def _turns(persona: Persona) -> float:
    whole = sum(journey.weight for journey in persona.journeys)
    return sum(journey.weight * len(journey.turns) for journey in persona.journeys) / whole


def _lasts_s(persona: Persona, think: float) -> float:
    """From the first message of a conversation to the end of the last answer."""
    whole = sum(journey.weight for journey in persona.journeys)
    times = (
        (j.weight, sum(think * sum(turn.think_s) / 2 for turn in j.turns[1:]) + _ANSWER_S)
        for j in persona.journeys
    )
    return sum(weight * seconds for weight, seconds in times) / whole


def _data_file(name: str) -> Path:
    path = Path(name) if name.endswith(".toml") else cast.FOLDER / f"{name}.toml"
    if not path.is_file():
        raise DocumentError(f"personas {name!r}: there is no such file: name personas, or a .toml file")
    return path


def known() -> tuple[str, ...]:
    """Names of the scenarios that have a file here."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load(name: str) -> Scenario:
    """A scenario by its name, or by the path of a TOML file; other files it names lie beside it."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise DocumentError(
            f"scenario {name!r}: there is no such file; name one of {', '.join(known())}, or a .toml file"
        )
    return documents.read(path, Scenario, beside=("personas", "data"))
