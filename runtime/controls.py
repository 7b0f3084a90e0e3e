"""The operator's document, as last read (design: controls). A bad or missing one changes nothing.

Polled with jitter, so that a fleet does not ask in step. Controls end at use: one that expired between two
reads is not turned any more, even when SSM is out of reach.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from contract.controls import Controls, parse
from contract.runtime_settings import ControlsSettings
from runtime.telemetry import Clock, Telemetry


class ControlsReader:
    """`read` fetches the document's text; `spread` gives numbers from 0 to 1 for the jitter."""

    def __init__(
        self,
        read: Callable[[], Awaitable[str]],
        settings: ControlsSettings,
        wall: Clock,
        telemetry: Telemetry,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._read = read
        self._settings = settings
        self._wall = wall
        self._telemetry = telemetry
        self._spread = spread
        self._last_good = Controls()
        self._trouble: str | None = None

    def current(self) -> Controls:
        """What is turned now."""
        return self._last_good.active(self._wall())

    async def refresh(self) -> None:
        """One read."""
        try:
            controls = parse(await self._read())
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the last good document goes on
            self._complain(str(error))
            return
        if self._trouble is not None:
            self._trouble = None
            self._telemetry.log("info", "controls can be read again")
        if controls != self._last_good:
            self._last_good = controls
            self._telemetry.log("info", "controls changed", controls=controls.model_dump(exclude_none=True))

    async def poll(self) -> None:
        """Reads for ever; cancel it to stop."""
        while True:
            jitter = self._settings.jitter * (2 * self._spread() - 1)
            await asyncio.sleep(self._settings.poll_s * (1 + jitter))
            await self.refresh()

    def _complain(self, trouble: str) -> None:
        """Once for each kind of trouble, not every few seconds."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._telemetry.log("error", "controls cannot be used, the last good ones stay", error=trouble)
