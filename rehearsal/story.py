"""A story: which traffic, which experiment, what must hold. One YAML file each in `rehearsal/stories/`."""

from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from contract.base import Shape
from contract.errors import WrongUseError

FOLDER = Path(__file__).parent / "stories"


class StoryError(WrongUseError):
    """A story that does not exist or cannot be read."""


class Gates(Shape):
    """What must hold at the end; shares are between 0 and 1."""

    failed_share: float = Field(ge=0, le=1)
    first_token_p95_ms: float = Field(gt=0)
    wasted_tries: float = Field(ge=0, le=1)
    fallback_share: float = Field(ge=0, le=1)
    canned_share: float = Field(ge=0, le=1)
    recovered_share: float = Field(ge=0, le=1)
    recovered_last_s: float = Field(gt=0)


class Story(Shape):
    """One game day."""

    id: str
    title: str
    scenario: str
    length_s: float = Field(gt=0, le=3_600)
    experiment: str
    experiment_at_s: float = Field(ge=0)
    gates: Gates


def names(folder: Path = FOLDER) -> tuple[str, ...]:
    """The stories that can be told."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def load(name: str, folder: Path = FOLDER) -> Story:
    """One story; StoryError says what is wrong with it."""
    path = folder / f"{name}.yaml"
    if name not in names(folder):
        raise StoryError(f"there is no story {name!r}; there are: {', '.join(names(folder)) or 'none'}")
    try:
        story = Story.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as broken:
        raise StoryError(f"{path.name}: is no YAML: {' '.join(str(broken).split())}") from None
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "document"
        raise StoryError(f"{path.name}: {key}: {first['msg']}") from None
    if story.id != name:
        raise StoryError(f"{path.name}: id: is {story.id!r}: name it like its file, {name!r}")
    return story
