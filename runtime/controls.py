"""The operator's document, as last read (design: controls).

Controls end at use: one that expired between two reads is not turned any more, even when SSM is out of reach.
"""

from collections.abc import Awaitable, Callable

from contract.controls import Controls, parse
from runtime.kept import Kept
from runtime.telemetry import Clock, Telemetry

# Turned by runbooks and read by others; nothing here acts on them. Whoever turns one is told so.
WITHOUT_EFFECT = ("region", "widget")


class ControlsReader:
    """`read` fetches the document's text."""

    def __init__(self, read: Callable[[], Awaitable[str]], wall: Clock, telemetry: Telemetry) -> None:
        self._read = read
        self._wall = wall
        self._telemetry = telemetry
        self._kept = Kept("controls", self._fetch, Controls(), telemetry, self._tell)

    def current(self) -> Controls:
        """What is turned now."""
        return self._kept.value.active(self._wall())

    async def refresh(self) -> None:
        """One read; a bad document changes nothing."""
        await self._kept.refresh()

    async def _fetch(self) -> Controls:
        return parse(await self._read())

    def _tell(self, before: Controls, after: Controls) -> None:
        self._telemetry.log("info", "controls changed", controls=after.model_dump(exclude_none=True))
        for name in WITHOUT_EFFECT:
            turned = getattr(after, name)
            if turned is not None and turned != getattr(before, name):
                self._telemetry.log("warning", "this control has no effect on the runtime yet", control=name)
