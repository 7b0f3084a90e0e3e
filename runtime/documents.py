"""The documents that the runtime reads again and again while it serves: each keeps its last good state.

The operator's controls and the extra rungs may be missing or broken when it starts: a task that restarts
during an incident must come up. Without the model calls it must not: it would call past the guardrail.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from contract import cutover
from contract.cutover import Cutover
from contract.model_access import ModelCalls
from contract.runtime_settings import Rung
from runtime import aws, targets
from runtime.controls import ControlsReader
from runtime.extra_rungs import ExtraRungs
from runtime.kept import Kept
from runtime.telemetry import Clock, Telemetry

Refresh = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Names:
    """Where they are. No `model_calls`: none are published, as on a person's own machine."""

    controls: str
    rungs: str
    model_calls: str | None = None
    cutover: str | None = None


@dataclass(frozen=True)
class Store:
    """Reads the text of one document, or those of a folder."""

    one: Callable[[str], Awaitable[str]]
    folder: Callable[[str], Awaitable[Mapping[str, str]]]


class Documents:
    """Call `start` before anything is answered, then refresh each document again and again.

    An operator's turn counts within seconds. What a deployment or an event publishes may take longer: every
    task reads, and SSM answers an account some forty times a second.
    """

    def __init__(
        self,
        store: Store,
        names: Names,
        ladder: Sequence[Rung],
        wall: Clock,
        telemetry: Telemetry,
        region: str = "",
    ) -> None:
        """`region`: that of the runtime."""
        regions = {rung.region or region for rung in ladder if rung.model is not None}
        self.controls = ControlsReader(partial(store.one, names.controls), wall, telemetry, regions)
        self.extras = ExtraRungs(partial(store.folder, names.rungs), ladder, wall, telemetry)
        self._store = store
        self._ladder = ladder
        self._telemetry = telemetry
        self._calls = self._model_calls(names.model_calls) if names.model_calls else None
        self._cutover = kept_cutover(store, names.cutover, telemetry) if names.cutover else None

    def model_calls(self) -> ModelCalls | None:
        """As published for this region; None when nothing is."""
        return self._calls.value if self._calls else None

    def cutover(self) -> Cutover | None:
        """How far searches have moved to a new generation of the index; None: there is one."""
        return self._cutover.value if self._cutover else None

    @property
    def turned(self) -> Sequence[Refresh]:
        """What an operator turns: every few seconds."""
        return [self.controls.refresh]

    @property
    def published(self) -> Sequence[Refresh]:
        """What deployments and events publish: at leisure."""
        return [self.extras.refresh, *(one.refresh for one in (self._calls, self._cutover) if one)]

    async def start(self) -> None:
        """The first reads; the error says what keeps the model calls from being used."""
        if self._calls is not None:
            await self._calls.load()
        self._warn_of_unguarded_calls()
        await self.controls.refresh()
        await self.extras.refresh()
        if self._cutover is not None:
            await self._cutover.refresh()

    def _model_calls(self, name: str) -> Kept[ModelCalls | None]:
        async def read() -> ModelCalls | None:
            return targets.parse(name, await self._store.one(name), self._ladder)

        return Kept("model calls", read, None, self._telemetry, self._tell_calls)

    def _tell_calls(self, _: ModelCalls | None, after: ModelCalls | None) -> None:
        document = after.model_dump() if after else None
        self._telemetry.log("info", "model calls changed", calls=document)
        self._warn_of_unguarded_calls()

    def _warn_of_unguarded_calls(self) -> None:
        calls = self.model_calls()
        if calls is None or calls.guardrail is None:
            self._telemetry.log("warning", "no guardrail checks the calls to models: none is published")


def kept_cutover(store: Store, name: str, telemetry: Telemetry) -> Kept[Cutover | None]:
    """The document of a cutover, as whoever searches or writes reads it (VEC-5)."""

    async def read() -> Cutover | None:
        try:
            return cutover.parse(await store.one(name))
        except aws.MissingError:
            return None

    def tell(_: Cutover | None, after: Cutover | None) -> None:
        document = after.model_dump(mode="json") if after else None
        telemetry.log("info", "the cutover to a new index changed", cutover=document)

    return Kept("cutover", read, None, telemetry, tell)
