"""Rungs that exist for a while, as last read (MOD-3): units around an event, used while they are there.

A rung ends at its own moment, even when SSM is out of reach. One that does not fit the ladder is left out and
said; it spoils no other.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from contract.rungs import ExtraRung, in_force
from contract.runtime_settings import Rung
from runtime.kept import Kept
from runtime.telemetry import Clock, Telemetry

Documents = Mapping[str, str]  # parameter name -> text


class ExtraRungs:
    """`read` fetches all documents of the folder."""

    def __init__(
        self,
        read: Callable[[], Awaitable[Documents]],
        ladder: Sequence[Rung],
        wall: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._read = read
        self._taken = {rung.name for rung in ladder}
        self._models = {rung.model for rung in ladder if rung.region is None}
        self._wall = wall
        self._telemetry = telemetry
        self._kept = Kept[tuple[ExtraRung, ...]]("extra rungs", self._fetch, (), telemetry, self._tell)
        self._problems: Sequence[str] = ()

    def current(self) -> Sequence[ExtraRung]:
        """Those that count now."""
        if not self._kept.value:
            return ()
        now = self._wall()
        return [rung for rung in self._kept.value if rung.expires_at > now]

    def units(self, name: str) -> str | None:
        """What to pass as modelId for a rung of ours; None for any other."""
        return next((rung.arn for rung in self._kept.value if rung.name == name), None)

    async def refresh(self) -> None:
        """One read; while the folder cannot be read, the last good rungs stay until they end."""
        await self._kept.refresh()

    async def _fetch(self) -> tuple[ExtraRung, ...]:
        table = in_force(await self._read(), self._wall())
        fitting: dict[str, ExtraRung] = {}
        problems = [*table.problems]
        for rung in table.rungs:
            if (problem := self._misfit(rung, fitting)) is None:
                fitting[rung.name] = rung
            else:
                problems.append(f"rung {rung.name}: {problem}")
        self._complain(problems)
        return tuple(fitting.values())

    def _misfit(self, rung: ExtraRung, others: Mapping[str, ExtraRung]) -> str | None:
        if rung.name in self._taken or rung.name in others:
            return "another rung has this name"
        if rung.model not in self._models:
            return f"no rung of the ladder calls the model {rung.model}"
        return None

    def _complain(self, problems: Sequence[str]) -> None:
        for problem in problems:
            if problem not in self._problems:
                self._telemetry.log("error", "an extra rung is left out", error=problem)
        self._problems = problems

    def _tell(self, _: tuple[ExtraRung, ...], after: tuple[ExtraRung, ...]) -> None:
        self._telemetry.log("info", "extra rungs changed", rungs=[rung.model_dump() for rung in after])
