"""Who asks (RUN-17): somebody signed in, or a guest known only by a session."""

from dataclasses import dataclass
from typing import Literal

GUEST = "guest:"


@dataclass(frozen=True, slots=True)
class Person:
    """`id`: the customer's, or the guest session's. Never a name, an address or a number of theirs."""

    kind: Literal["user", "guest"]
    id: str

    @property
    def signed_in(self) -> bool:
        return self.kind == "user"

    @property
    def owner(self) -> str:
        """Whose a session is: the two kinds never meet, for no customer's id begins like a guest's."""
        return self.id if self.signed_in else f"{GUEST}{self.id}"


def guest(session_id: str) -> Person:
    return Person("guest", session_id)
