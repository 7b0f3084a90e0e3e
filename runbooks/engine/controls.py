"""The step most runbooks take: turn one knob of the controls document for a while; leave the rest alone."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from contract.controls import Control, Controls, parse, render
from contract.errors import ConciergeError, InconclusiveError
from contract.runtime_settings import RuntimeSettings
from runbooks.engine.shape import Call, Change, DriftError, LeftAloneError, calling
from runbooks.engine.world import World

READ, WRITE = "ssm.get_parameter", "ssm.put_parameter"


def usual(value: Any) -> Callable[[RuntimeSettings], Any]:
    """Where no setting says what holds while nothing is turned."""
    return lambda _: value


def always(_: World) -> bool:
    """A control that any finding justifies."""
    return True


@calling(READ)
def fetch(world: World) -> tuple[str, Controls]:
    """The controls document as it stands, and what it means."""
    text = _parameter(world, "controls")
    return text, parse(text)


def settings(world: World) -> RuntimeSettings:
    """What holds where nothing is turned."""
    try:
        return RuntimeSettings.model_validate_json(_parameter(world, "settings"))
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]["msg"]
        raise InconclusiveError(f"the runtime's settings in {world.here.region}: {first}") from None


def _parameter(world: World, key: str) -> str:
    answer = world.aws.read("ssm", "get_parameter", Name=world.named("parameters", key))
    return str(answer["Parameter"]["Value"])


@dataclass(frozen=True, kw_only=True)
class TurnControl:
    """Turns `control` to `value` for some minutes, unless the value in force is `enough` already.

    `setting` finds the value that is in force while the control is not turned. `when`: whether what was found
    asks for it at all.
    """

    control: str
    setting: Callable[[RuntimeSettings], Any]
    value: Any
    minutes: int
    enough: Callable[[Any], bool]
    effect: str = ""
    when: Callable[[World], bool] = always
    keep: str | None = None
    calls: tuple[str, ...] = (READ, WRITE)

    @property
    def name(self) -> str:
        return f"turn {self.control}"

    def precondition(self, world: World) -> str | None:
        try:
            fetch(world)
        except ConciergeError as error:
            return str(error)
        return None

    def plan(self, world: World) -> tuple[Change, ...]:
        if not self.when(world):
            return ()
        text, document = fetch(world)
        now = world.clock.now()
        present = getattr(document.active(now), self.control)
        unturned = self.setting(settings(world))
        if self.enough(present.value if present else unturned):
            return ()
        until = (now + timedelta(minutes=self.minutes)).replace(microsecond=0)
        value = self.value(world) if callable(self.value) else self.value
        turned = {
            "value": value,
            "who": world.operator,
            "why": world.why or "planned only",
            "expires_at": until,
        }
        # Only this key: whatever else is in the document stays as it was written.
        after = Controls.model_validate({**document.model_dump(exclude_none=True), self.control: turned})
        return (
            Change(
                step=self.name,
                subject=f"control {self.control}",
                before=_words(present, unturned),
                after=f"{value} until {until:%H:%M} UTC",
                call=Call(
                    service="ssm",
                    operation="put_parameter",
                    request={
                        "Name": world.named("parameters", "controls"),
                        "Value": render(after),
                        "Overwrite": True,
                    },
                ),
                saved=text,
                effect=self.effect,
                undo="the value it had; it ends by itself as well",
                keep=self.keep,
            ),
        )

    def apply(self, world: World, change: Change) -> None:
        text, _ = fetch(world)
        if text == change.call.request["Value"]:
            return
        if text != change.saved:
            raise DriftError("somebody changed the controls since the plan: look at them, then run again")
        world.aws.write(change.call.service, change.call.operation, change.call.request)

    def undo(self, world: World, change: Change) -> bool:
        text, document = fetch(world)
        ours, before = parse(change.call.request["Value"]), parse(change.saved)
        present = getattr(document, self.control)
        if text == change.call.request["Value"]:
            previous = change.saved
        elif present == getattr(ours, self.control):
            previous = self._without_ours(text, change.saved)
        elif present == getattr(before, self.control):
            return False  # never arrived, or is back already
        else:
            raise LeftAloneError(f"{change.subject} is left alone: since then {_done(present)}")
        world.aws.write(
            change.call.service, change.call.operation, {**change.call.request, "Value": previous}
        )
        return True

    def _without_ours(self, text: str, saved: str) -> str:
        """Others have turned other knobs meanwhile: theirs stay, only ours goes back."""
        document, before = json.loads(text), json.loads(saved)
        document.pop(self.control, None)
        if self.control in before:
            document[self.control] = before[self.control]
        return json.dumps(document)


def _words(turned: Control[Any] | None, usual: Any) -> str:
    if turned is None:
        return f"{usual} (settings)"
    return f"{turned.value} until {turned.expires_at:%H:%M} UTC by {turned.who}"


def _done(turned: Control[Any] | None) -> str:
    if turned is None:
        return "somebody has taken it out"
    return f"{turned.who} has turned it to {turned.value} until {turned.expires_at:%H:%M} UTC"
