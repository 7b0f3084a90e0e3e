"""A story: an event as data. Which traffic, what breaks when, what must be seen then, what must hold.

One YAML file each in `rehearsal/stories/`, or anywhere: `concierge rehearse my-event.yaml`. All times are
seconds of the story; alarms look at whole minutes of it.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from chaos import catalogue as experiments
from contract.base import Shape
from contract.errors import WrongUseError
from contract.faults import Fault, FaultKind, Stage
from contract.runbooks import catalogue as runbook_catalogue
from contract.tiers import Tier

FOLDER = Path(__file__).parent / "stories"
LEASE_MORE_S = 30.0
# pydantic names some things in its own words; a person fixes files, not types.
_FIXES = {
    "missing": "is missing: add it",
    "extra_forbidden": "is not a key of a story: remove it or correct its spelling",
}


Outcome = Literal["verified", "kept", "left"]


class StoryError(WrongUseError):
    """A story that does not exist or cannot be read."""


class Breaks(Shape):
    """A fault of a scene; by itself it lasts as long as the scene."""

    target: str
    kind: FaultKind
    rate: float = Field(1.0, gt=0, le=1)
    magnitude: float | None = Field(None, ge=0, le=100_000)
    match: Mapping[str, str] = {}
    after_s: float = Field(0.0, ge=0, description="seconds after the scene's beginning")
    for_s: float | None = Field(None, gt=0, description="none: to the scene's end")


class Answers(Shape):
    """Who must answer people, while the scene lasts."""

    tier: Tier
    share: float = Field(ge=0, le=1, description="of the answers, at least")
    learns_s: float = Field(10.0, ge=0, description="the system may take so long to learn of it")


class Expect(Shape):
    """What must be seen because of a scene."""

    alarms: Mapping[str, float] = Field({}, description="alarm -> red within so many seconds of the scene")
    may: tuple[str, ...] = Field((), description="alarms that may turn red too")
    runbooks: Mapping[str, Outcome] = Field(
        {}, description="runbook -> verified: it helped; kept: and stays; left: it rightly did nothing"
    )
    answers: Answers | None = None
    back_s: float | None = Field(None, gt=0, description="after the scene, back on the first tier within")


class Scene(Shape):
    """A stretch of the story: what breaks, or is rolled out, and what must come of it."""

    title: str
    at_s: float = Field(ge=0)
    for_s: float = Field(gt=0)
    faults: tuple[Breaks, ...] = ()
    experiment: str | None = Field(None, description="the faults of an experiment of chaos/experiments")
    rollout: Mapping[str, str] = Field({}, description="a new revision of the agent with these settings")
    expect: Expect = Expect()

    @property
    def end_s(self) -> float:
        return self.at_s + self.for_s

    @model_validator(mode="after")
    def _within_itself(self) -> Self:
        for number, fault in enumerate(self.faults):
            if fault.after_s + (fault.for_s or 0.0) > self.for_s or fault.after_s >= self.for_s:
                raise ValueError(
                    f"faults.{number} lasts longer than its scene ({self.for_s:g} s): shorten it"
                )
        return self

    def stages(self) -> Iterator[Stage]:
        """Its faults at their moments of the story, with leases that outlive them a little."""
        if self.experiment is not None:
            for stage in experiments.load(self.experiment).method:
                yield stage.model_copy(update={"at_s": self.at_s + stage.at_s})
        for fault in self.faults:
            lasts = fault.for_s or self.for_s - fault.after_s
            yield Stage(
                at_s=self.at_s + fault.after_s,
                for_s=lasts,
                fault=Fault(**fault.model_dump(exclude={"after_s", "for_s"}), lease_s=lasts + LEASE_MORE_S),
            )


class Gates(Shape):
    """What must hold for the event to count as survived; shares are between 0 and 1."""

    failed_share: float = Field(0.0, ge=0, le=1)
    first_token_p95_ms: float = Field(2_500, gt=0, description="while nothing is broken")
    wasted_tries: float = Field(0.25, ge=0, le=1, description="calls to a dead rung, of the messages")
    canned_share: float = Field(0.01, ge=0, le=1, description="canned answers while nothing is broken")
    cost_usd: float = Field(0.01, gt=0, description="of a message, on average")
    memory_gb: float = Field(2.5, gt=0, description="of all programs together")


class Traffic(Shape):
    """Who comes. `scenario`: a name of loadtests/scenarios, or a .toml file beside the story."""

    scenario: str
    rate: float = Field(1.0, gt=0, le=100, description="times the scenario's messages")


class Story(Shape):
    """One event from the first message to the last."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    teller: str = Field("", description="what it shows, in a sentence or two")
    stack: str = "dev"
    speed: float = Field(3.0, ge=1, le=3)
    length_s: float = Field(gt=0, le=7_200)
    traffic: Traffic
    scenes: tuple[Scene, ...] = ()
    gates: Gates = Gates()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for number, scene in enumerate(self.scenes):
            if number and scene.at_s < self.scenes[number - 1].at_s:
                raise ValueError(f"scenes.{number} begins before the one above it: write them in order")
            if scene.end_s >= self.length_s:
                raise ValueError(
                    f"scenes.{number} ends at {scene.end_s:g} s, when the traffic is over "
                    f"({self.length_s:g} s): make length_s longer"
                )
        return self

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Every fault at its moment."""
        return tuple(stage for scene in self.scenes for stage in scene.stages())

    @property
    def alarms(self) -> tuple[str, ...]:
        """Those that must turn red."""
        return tuple(dict.fromkeys(name for scene in self.scenes for name in scene.expect.alarms))

    @property
    def may(self) -> tuple[str, ...]:
        """Those that may."""
        return tuple(dict.fromkeys(name for scene in self.scenes for name in scene.expect.may))

    @property
    def kept(self) -> tuple[str, ...]:
        """Runbooks whose changes are not put back when the day is over."""
        return tuple(
            name for scene in self.scenes for name, how in scene.expect.runbooks.items() if how == "kept"
        )


def names(folder: Path = FOLDER) -> tuple[str, ...]:
    """The stories that are here."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def load(name: str, folder: Path = FOLDER) -> Story:
    """One story, by its name or the path of a YAML file; StoryError says all that is wrong with it."""
    path = Path(name) if name.endswith(".yaml") else folder / f"{name}.yaml"
    if not (path.is_file() if name.endswith(".yaml") else name in names(folder)):
        known = ", ".join(names(folder)) or "none"
        raise StoryError(f"there is no story {name!r}; there are: {known}, or name a .yaml file of yours")
    try:
        story = Story.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as broken:
        raise StoryError(f"{path.name}: is no YAML: {' '.join(str(broken).split())}") from None
    except ValidationError as invalid:
        raise StoryError("\n".join(f"{path.name}: {_fault(error)}" for error in invalid.errors())) from None
    if story.id != path.stem:
        raise StoryError(f"{path.name}: id: is {story.id!r}: name it like its file, {path.stem!r}")
    _check_names(story, path)
    return _beside(story, path)


def _fault(error: Mapping[str, object]) -> str:
    loc = error["loc"]
    place = ".".join(str(part) for part in loc) if isinstance(loc, tuple) and loc else "document"
    return f"{place}: {_FIXES.get(str(error['type']), str(error['msg']).removeprefix('Value error, '))}"


def _check_names(story: Story, path: Path) -> None:
    """Names that are well formed but stand for nothing: a story that matches nothing shows nothing."""
    for number, scene in enumerate(story.scenes):
        for runbook in scene.expect.runbooks:
            if runbook not in runbook_catalogue():
                raise StoryError(
                    f"{path.name}: scenes.{number}.expect.runbooks: {runbook!r} is not in "
                    "contract/runbooks.toml: choose one"
                )
        list(scene.stages())  # an experiment that is not there says so


def _beside(story: Story, path: Path) -> Story:
    """Its scenario's file lies beside it."""
    scenario = story.traffic.scenario
    beside = path.parent / scenario
    if not scenario.endswith(".toml") or Path(scenario).is_absolute() or not beside.is_file():
        return story
    traffic = story.traffic.model_copy(update={"scenario": str(beside)})
    return story.model_copy(update={"traffic": traffic})
