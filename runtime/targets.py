"""What a rung calls: the modelId and the guardrail that the stack publishes for this region (MOD-1, MOD-4).

Without a published document, as on a person's own machine, a rung calls its model's usual id, unguarded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from contract.errors import WrongUseError
from contract.model_access import GuardrailUse, ModelCalls
from contract.models import models
from contract.runtime_settings import Rung


class ModelCallsError(WrongUseError):
    """A document of model calls that cannot be used."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one call passes."""

    model_id: str
    guardrail: GuardrailUse | None = None


class Targets:
    """`published`: the document as it stands, if there is one. `units`: ARN of an extra rung."""

    def __init__(
        self,
        region: str,
        published: Callable[[], ModelCalls | None] = lambda: None,
        units: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._region = region
        self._published = published
        self._units = units

    def of(self, rung: Rung) -> Target:
        """As of now: the next call may be another."""
        document, units = self._published(), self._units(rung.name)
        guardrail = document.guardrail_of(rung.name) if document else None
        if units is not None:
            return Target(units, guardrail)
        if document is None:
            return Target(models()[rung.model or ""].callable_id(rung.region or self._region))
        return Target(document.rungs[rung.name], guardrail)


def _unguarded(document: ModelCalls, ladder: Sequence[Rung]) -> Sequence[str]:
    """Rungs of another region that would be called with this region's guardrail, which is not there."""
    if document.guardrail is None:
        return ()
    return [rung.name for rung in ladder if rung.region is not None and rung.name not in document.guardrails]


def parse(name: str, text: str, ladder: Sequence[Rung]) -> ModelCalls:
    """The document of this name from its text; it must know every rung of the ladder that calls a model."""
    try:
        document = ModelCalls.model_validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise ModelCallsError(f"model calls in {name}: {place}: {first['msg']}") from None
    missing = [rung.name for rung in ladder if rung.model is not None and not document.rungs.get(rung.name)]
    if missing:
        lacking = f"no modelId for {', '.join(missing)}: deploy the stack, which writes it and the ladder"
        raise ModelCallsError(f"model calls in {name}: rungs: {lacking}")
    if unguarded := _unguarded(document, ladder):
        lacking = f"no guardrail of their own region for {', '.join(unguarded)}: publish one for each"
        raise ModelCallsError(f"model calls in {name}: guardrails: {lacking}")
    return document
