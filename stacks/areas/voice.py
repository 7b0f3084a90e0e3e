"""How the models of a region are called, and what guards the calls (MOD-1, MOD-4).

Made for every region before anything else stands: the ladder of each ends on the models of the other.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from components.alarms import Watched
from components.guardrail import Guardrail, GuardrailArgs
from components.model_access import ModelAccess, ModelAccessArgs
from contract.models import embedders
from stacks.site import Site


@dataclass(frozen=True, kw_only=True)
class Voice:
    """The models of one region, behind its guardrail."""

    guardrail: Guardrail
    access: ModelAccess

    @property
    def watched(self) -> list[Watched]:
        return [self.guardrail, self.access]


@dataclass(frozen=True, kw_only=True)
class Voices:
    """As one region sees them: its own, and those of the estate's other region."""

    here: Voice
    other: Voice | None


def raise_voice(site: Site) -> Voice:
    guardrail = _guardrail(site)
    return Voice(guardrail=guardrail, access=_access(site, guardrail))


def _guardrail(site: Site) -> Guardrail:
    return Guardrail(
        site.named("guardrail"),
        GuardrailArgs(
            environment=site.environment,
            place=site.place,
            key_arn=site.keys["agent"],
            interventions=site.settings.models.guardrail.interventions,
            protect=site.guarded,
        ),
        site.inside,
    )


def _access(site: Site, guardrail: Guardrail) -> ModelAccess:
    chosen = site.settings.models
    return ModelAccess(
        site.named("model-access"),
        ModelAccessArgs(
            environment=site.environment,
            place=site.place,
            ladder=site.runtime.ladder,
            access=chosen.capacities(site.role),
            geography=chosen.geography,
            embedder=embedders()[chosen.embedder] if chosen.embedder else None,
            guardrail=guardrail,
            stream=chosen.guardrail.stream,
            only_guarded=chosen.guardrail.enforced,
            production=site.guarded,
            # Only to refuse what has ended: no value of the plan comes from it.
            today=datetime.now(UTC).date(),
        ),
        site.inside,
    )
