"""What `limits` and `caches` need of Valkey, so that tests can put anything in its place."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

Word = str | bytes | int | float
Reply = Any  # bytes, int, None, or a list of these


class ValkeyError(Exception):
    """No reply that could be used: go on without."""


class DownError(ValkeyError):
    """It is given up for now; nothing was sent, nothing was waited for."""


class LateError(ValkeyError):
    """No reply within the deadline. The command may still have been carried out."""


class RefusedError(ValkeyError):
    """The server answered with an error."""


class AnswerError(ValkeyError):
    """The server answered something else than we can read."""


class Script:
    """A Lua script: sent by its hash, and whole where the server does not know it yet."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def sha1(self) -> str:
        """As the protocol names scripts; it protects nothing."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Store(Protocol):
    """Every method raises `ValkeyError`, and only that, where there is no reply."""

    @property
    def up(self) -> bool:
        """Whether asking is worth it."""
        ...

    async def ask(self, *command: Word) -> Reply:
        """One command."""
        ...

    async def run(self, script: Script, keys: Sequence[str], *arguments: Word) -> Reply:
        """One script, as one step on the server."""
        ...


class Nowhere:
    """A runtime without a Valkey, as on a person's own machine."""

    up = False

    async def ask(self, *_: Word) -> Reply:
        raise DownError("no Valkey is configured")

    async def run(self, *_: object) -> Reply:
        raise DownError("no Valkey is configured")


def word(text: str) -> str:
    """A short word for a text of any length in a key: no key tells who somebody is or what they asked."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
