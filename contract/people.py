"""Who talks to us, as far as anything but signing in needs to know."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in customer, by what their token calls them, or a guest, by their session."""

    kind: Literal["user", "guest"]
    id: str
