"""The operator's document, as last read (design: controls).

Controls end at use: one that expired between two reads is not turned any more, even when SSM is out of reach.
"""

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime

from contract.controls import Controls, parse
from runtime.kept import Kept
from runtime.telemetry import Clock, Telemetry

_NEVER = datetime.max.replace(tzinfo=UTC)


class ControlsReader:
    """`read` fetches the document's text. `regions`: where models are."""

    def __init__(
        self,
        read: Callable[[], Awaitable[str]],
        wall: Clock,
        telemetry: Telemetry,
        regions: Collection[str] = (),
    ) -> None:
        self._read = read
        self._regions = regions
        self._wall = wall
        self._telemetry = telemetry
        self._turned = Controls(), Controls(), _NEVER  # of which document what is turned, and until when
        self._kept = Kept("controls", self._fetch, Controls(), telemetry, self._tell)

    def current(self) -> Controls:
        """What is turned now; every call of every provider asks."""
        document, now = self._kept.value, self._wall()
        known, turned, until = self._turned
        if document is not known or now >= until:
            turned = document.active(now)
            self._turned = document, turned, turned.next_end() or _NEVER
        return turned

    async def refresh(self) -> None:
        """One read; a bad document changes nothing."""
        await self._kept.refresh()

    async def _fetch(self) -> Controls:
        return parse(await self._read())

    def _tell(self, before: Controls, after: Controls) -> None:
        self._telemetry.log("info", "controls changed", controls=after.model_dump(exclude_none=True))
        turned = after.region
        if turned is not None and turned != before.region and turned.value not in self._regions:
            known = ", ".join(sorted(self._regions))
            self._telemetry.log(
                "warning", "control region has no effect: no model is there", models_are_in=known
            )
