"""What the person has in front of them, whichever rung wrote it."""

from typing import Protocol

from contract.outcomes import Outcome


class Listener(Protocol):
    """Who hears the answer while it comes."""

    async def text(self, chunk: str) -> None:
        """More text."""

    async def restart(self, chunk: str, reason: str) -> None:
        """Forget the text so far; `chunk` takes its place, and may begin with it."""


class Page:
    """What the person has in front of them."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._chunks: list[str] = []
        self._stale: str | None = None
        self.kept = ""  # of what was withdrawn, that another rung may go on from

    @property
    def text(self) -> str:
        return "".join(self._chunks)

    def withdraw(self, outcome: Outcome, *, checked: bool) -> None:
        """What is shown stays until there is something to replace it with."""
        if self._chunks:
            self._stale = outcome.value
            self.kept = self.text.rstrip() if checked else ""  # models refuse to go on from white space
            self._chunks.clear()

    def go_on(self, so_far: str) -> None:
        """What comes next follows this."""
        if so_far:
            self._chunks.append(so_far)

    async def write(self, chunk: str) -> None:
        chunk = _whole_characters(chunk)
        self._chunks.append(chunk)
        reason, self._stale = self._stale, None
        if reason is None:
            await self._listener.text(chunk)
        else:
            await self._listener.restart(self.text, reason)


def _whole_characters(chunk: str) -> str:
    """No frame can carry half a character (a lone surrogate): a replacement sign stands for it."""
    return chunk if chunk.isascii() else _mended(chunk)


def _mended(chunk: str) -> str:
    return chunk.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
