"""How the rungs of the ladder call their models, and what guards and logs the calls (MOD-1, MOD-2, MOD-4)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from pydantic import Field

from components import model_rules
from components.model_rules import Geography
from contract.ladder import LadderError, Standing, Where, standing
from contract.model_access import Access, Capacity, Provisioned, StreamMode
from contract.models import Model, embedders, models
from contract.runtime_settings import Rung
from stacks.problems import rule
from stacks.section import Section

LogDays = Literal[1, 3, 7, 14, 30, 60, 90, 180, 365]
SOON = timedelta(days=90)


class GuardrailSettings(Section):
    """What every call passes; what it blocks is in components/guardrail.toml."""

    stream: StreamMode = Field(
        "sync", description="sync: nothing unchecked is shown; async: the first words come sooner (RUN-25)"
    )
    enforced: bool = Field(True, description="IAM refuses a model call that does not name the guardrail")
    interventions: int = Field(
        500, gt=0, description="texts blocked or masked in five minutes that make a ticket"
    )


class CallLog(Section):
    """Bedrock's own log of calls. An account and region have one."""

    enabled: bool = Field(
        True, description="whether this stack sets it; with several environments in one account, one does"
    )
    log_days: LogDays = Field(90, description="days it stays in CloudWatch")
    archive_days: int = Field(365, ge=1, description="days it stays in S3")
    texts: bool = Field(
        False, description="log what people and models wrote, word for word, before anything is redacted"
    )


class ModelSettings(Section):
    """How models are called. Which models there are is in contract/models.toml, which rungs in `runtime`."""

    geography: Geography = Field(
        "us", description="part of the world in which calls may be answered; world: anywhere"
    )
    access: Mapping[str, Access] = Field(
        {}, description="rung -> on_demand, profile or provisioned; others call their model's usual profile"
    )
    embedder: str | None = Field(
        "titan-embed",
        description="embedder in contract/models.toml that may be called; none: no other than ours",
    )
    guardrail: GuardrailSettings = GuardrailSettings()
    call_log: CallLog = CallLog()

    def capacities(self, role: str) -> Mapping[str, Capacity]:
        """Rung -> how it is called in the region of this role; what is not said is the model's usual way."""
        given = {name: access.capacity for name, access in self.access.items()}
        return {name: capacity for name, capacity in given.items() if _stands(capacity, role)}

    def standing(
        self,
        ladder: Sequence[Rung],
        regions: Mapping[str, str],
        role: str,
        table: Mapping[str, Model] | None = None,
    ) -> Standing:
        """The ladder as it stands in the region of this role. `regions`: role -> name."""
        units = [name for name, way in self.capacities(role).items() if isinstance(way, Provisioned)]
        other = next((name for each, name in regions.items() if each != role), None)
        try:
            return standing(ladder, Where(here=regions[role], other=other, units=units), table)
        except LadderError as wrong:
            raise rule("runtime.ladder", str(wrong)) from wrong

    def check(
        self,
        ladder: Sequence[Rung],
        regions: Mapping[str, str],
        *,
        production: bool,
        today: date,
        table: Mapping[str, Model] | None = None,
    ) -> None:
        """Refuses what cannot be: for the tree's validator. `regions`: role -> name."""
        known = table or models()
        own = [rung.name for rung in ladder if rung.model is not None and rung.region is None]
        for name in self.access:
            if name not in own:
                raise rule(
                    f"models.access.{name}", f"no such rung calls a model here: use one of {', '.join(own)}"
                )
        for role, region in regions.items():
            said = self.capacities(role)
            for name, model in self._called(ladder, regions, role, known):
                found = model_rules.refusal(
                    model,
                    said.get(name) or model_rules.usual(model, region),
                    region,
                    geography=self.geography,
                    production=production,
                    today=today,
                )
                if found:
                    # What nobody wrote is changed where it is written; an ended model on the ladder.
                    at = f"models.access.{name}.{found.at}" if found.at else "runtime.ladder"
                    raise rule(at, found.why)
        self._check_embedder(regions.values())

    def _called(
        self, ladder: Sequence[Rung], regions: Mapping[str, str], role: str, known: Mapping[str, Model]
    ) -> list[tuple[str, Model]]:
        """Rungs of the region itself, and their models."""
        rungs = self.standing(ladder, regions, role, known).rungs
        return [(rung.name, known[rung.model]) for rung in rungs if rung.model and rung.region is None]

    def _check_embedder(self, regions: Iterable[str]) -> None:
        if self.embedder is None:
            return
        if self.embedder not in embedders():
            raise rule("models.embedder", f"is not in contract/models.toml: use {', '.join(embedders())}")
        offers = embedders()[self.embedder].regions
        for region in regions:
            if region not in offers or offers[region].state != "active" or not offers[region].on_demand:
                raise rule("models.embedder", f"cannot be called in {region}: choose another, or none")

    def warnings(
        self,
        ladder: Sequence[Rung],
        regions: Mapping[str, str],
        *,
        production: bool,
        today: date,
        table: Mapping[str, Model] | None = None,
    ) -> list[str]:
        """What is allowed but should be known."""
        known = table or models()
        bought = dict(self._bought())
        found = [
            f"models.access.{name}: the commitment ended on {capacity.committed_until}, since then it is "
            "paid by the hour: delete the rung, or write hourly"
            for name, capacity in bought.items()
            if capacity.committed_until is not None and capacity.committed_until < today
        ]
        rungs = self.standing(ladder, regions, "primary", known).rungs
        used = {rung.name: rung.model for rung in rungs if rung.model is not None and rung.region is None}
        found += [
            f"models.access.{name} is provisioned and no further rung calls {used[name]}: what "
            "overflows goes down a tier at once (MOD-2)"
            for name in sorted(bought.keys() & used.keys())
            if not any(model == used[name] for other, model in used.items() if other not in bought)
        ]
        found += _ending([known[key] for key in sorted({*used.values()})], regions.values(), today)
        if production and self.call_log.texts:
            found.append("models.call_log.texts is on: what customers write is kept as they wrote it")
        if production and not self.guardrail.enforced:
            found.append("models.guardrail.enforced is off: a call may leave the guardrail out (MOD-4)")
        return found

    def _bought(self) -> list[tuple[str, Provisioned]]:
        given = [(name, access.provisioned) for name, access in self.access.items()]
        return [(name, capacity) for name, capacity in given if capacity is not None]


def _ending(used: Iterable[Model], regions: Iterable[str], today: date) -> list[str]:
    ends = [
        (model.key, region, model.regions[region].end_of_life)
        for model in used
        for region in regions
        if region in model.regions
    ]
    return [
        f"{key} ends in {region} on {end}: plan its successor"
        for key, region, end in ends
        if end is not None and end <= today + SOON
    ]


def _stands(capacity: Capacity, role: str) -> bool:
    return not isinstance(capacity, Provisioned) or role == "primary" or capacity.standby
