"""What became of a document, or of a file that could not be read."""

from dataclasses import dataclass
from enum import StrEnum


class Became(StrEnum):
    """As people and metrics are told."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    TWIN = "duplicate"
    GONE = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`writes`: chunks written for it. `moved`: it was there, and is another now: who counts on it?"""

    file: str
    became: Became
    why: str = ""
    writes: int = 0
    document: str = ""
    moved: bool = False
