"""A whole conversation over scripted models, with everything it sent and said kept for looking at."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.controls import Controls
from contract.frames import Ask, Final, ServerFrame
from contract.rungs import ExtraRung
from contract.runtime_settings import RuntimeSettings
from contract.tiers import Tier
from runtime.app import Doors, Server
from runtime.assemble import assemble
from runtime.parts import Parts
from runtime.surfaces.identity import Identity, Issuer
from runtime.surfaces.tokens import Tokens
from runtime.telemetry import Telemetry
from runtime.testing.models import Behaviour, Script, ScriptedModels

EPOCH = datetime(2030, 7, 15, tzinfo=UTC)  # wall time at second 0 of the loop


def wall() -> datetime:
    """The wall clock that goes with the running loop's time."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


class Desk:
    """Make it inside the loop. Of the ladder, the models that have a script stand here.

    `controls` and `extras` may be replaced at any time.
    """

    def __init__(
        self,
        scripts: Mapping[str, Script | Behaviour],
        settings: RuntimeSettings | None = None,
        controls: Controls | None = None,
        parts: Parts | None = None,
    ) -> None:
        self.models = ScriptedModels(scripts)
        self.controls = controls or Controls()
        self.extras: Sequence[ExtraRung] = ()
        self.lines: list[dict[str, Any]] = []
        whole = settings or RuntimeSettings()
        ladder = tuple(rung for rung in whole.ladder if rung.model is None or rung.name in scripts)
        self.telemetry = Telemetry("test", wall, lambda line: self.lines.append(json.loads(line)))
        self.conversation = assemble(
            whole.model_copy(update={"ladder": ladder}),
            port=self.models,
            controls=lambda: self.controls,
            price=lambda _: (3e-6, 15e-6),
            telemetry=self.telemetry,
            extras=lambda: self.extras,
            parts=parts,
        )

    def server(self, issuer: Issuer | None = None, **doors: Any) -> Server:
        """Every door of the agent before this conversation; nobody's keys are asked for without an issuer."""

        async def fetch(url: str) -> Mapping[str, Any]:
            raise LookupError(url)

        needed = Doors(
            identity=Identity(issuer, doors.pop("fetch", fetch), self.telemetry),
            tokens=Tokens(b"test", lambda: EPOCH),
            **doors,
        )
        return Server(self.conversation, needed, lambda: EPOCH)

    async def ask(self, text: str = "Which lamp?", request_id: str = "r1") -> list[ServerFrame]:
        """Every frame of the answer to one message."""
        frames: list[ServerFrame] = []

        async def keep(frame: ServerFrame) -> None:
            frames.append(frame)

        await self.conversation.answer(Ask(request_id=request_id, text=text), "s1", keep)
        return frames

    async def tier(self, text: str = "Which lamp?", request_id: str = "r1") -> Tier | None:
        """Which tier answers one message; None if none does."""
        ending = (await self.ask(text, request_id))[-1]
        return ending.tier if isinstance(ending, Final) else None

    def values(self, metric: str, **dimensions: str) -> list[float]:
        """What was emitted for a metric, in order."""
        wanted = dimensions.items()
        return [line[metric] for line in self.lines if metric in line and wanted <= line.items()]
