"""An answer as a client saw it, read with patience: another version's may have fields that this one lacks."""

from collections.abc import Iterator, Mapping
from typing import Any

from contract.base import Shape


class Answer(Shape):
    """`final`: the last frame as it came; `error`: why there is none. Seconds from the message being sent."""

    id: str
    final: Mapping[str, Any] = {}
    error: str = ""
    shown: str = ""
    first_s: float | None = None
    took_s: float = 0.0

    @property
    def text(self) -> str:
        return str(self.final.get("text", ""))

    @property
    def usd(self) -> float:
        return float(self._part("usage").get("usd", 0.0))

    @property
    def tokens(self) -> int:
        used = self._part("usage")
        return int(used.get("input_tokens", 0)) + int(used.get("output_tokens", 0))

    @property
    def rung(self) -> str:
        return str(self.final.get("rung", ""))

    @property
    def intent(self) -> str:
        return str(self._about.get("intent") or "")

    @property
    def asks_back(self) -> bool:
        return bool(self._about.get("clarifies"))

    @property
    def cards(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.final.get("cards", ()))

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(str(source.get("title", "")) for source in self._about.get("sources", ()))

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(self._about.get("missing", ()))

    @property
    def offers_human(self) -> bool:
        return any(action.get("kind") == "human" for action in self.final.get("actions", ()))

    def calls(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(tool, arguments) of what was called for it, in order."""
        for call in self._about.get("tools", ()):
            yield str(call.get("tool", "")), call.get("arguments", {})

    @property
    def _about(self) -> Mapping[str, Any]:
        return self._part("about")

    def _part(self, name: str) -> Mapping[str, Any]:
        part = self.final.get(name)
        return part if isinstance(part, Mapping) else {}
