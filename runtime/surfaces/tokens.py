"""Resume tokens (RUN-16): who holds one may go on with a session on another connection, for a while.

Signed, not stored: a task that ends need not write anything for the thousands it tells to reconnect.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from contract.people import Person

VALID_S = 3_600
_VERSION = "r1"


class Tokens:
    """`key`: the same in every task of an environment."""

    def __init__(self, key: bytes, wall: Callable[[], datetime]) -> None:
        self._key = key
        self._wall = wall

    def give(self, session_id: str, person: Person) -> str:
        """`r1.<until>.<signature>`."""
        until = int(self._wall().timestamp()) + VALID_S
        return f"{_VERSION}.{until}.{self._sign(session_id, person, until)}"

    def holds(self, token: str, session_id: str, person: Person) -> bool:
        """Whether it is good for this session of this person, now."""
        version, _, rest = token.partition(".")
        until, _, signature = rest.partition(".")
        if version != _VERSION or not until.isascii() or not until.isdecimal() or len(until) > 12:
            return False
        good = hmac.compare_digest(self._sign(session_id, person, int(until)).encode(), signature.encode())
        return good and int(until) > self._wall().timestamp()

    def _sign(self, session_id: str, person: Person, until: int) -> str:
        said = "\n".join((_VERSION, session_id, person.owner, str(until)))
        return hmac.new(self._key, said.encode(), hashlib.sha256).hexdigest()[:40]
