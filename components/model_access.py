"""How this region calls each rung's model, as resources (MOD-1, MOD-2): profiles, bought units, and who may.

Every rung has an inference profile of ours, copied from the model or from a profile of AWS: what it calls is
then metered under its own id and carries its own tags, so the bill says what each rung cost. A rung with
units of its own calls those instead; they take no profile. A changed model is another profile under another
name, made before the old one goes.

What the agent is told of it, and of the other region's models, is in `components.model_calls`; what is
watched of each rung in `components.model_watches`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import model_rules, model_watches
from components.alarms import Watch
from components.base import Component
from components.grants import INVOKE, Conditions, Grant, spans
from components.guardrail import Guardrail
from components.model_rules import Geography
from components.place import Place
from components.provisioned_throughput import ProvisionedThroughput, ProvisionedThroughputArgs
from contract.alarms import Widget
from contract.model_access import Capacity, InferenceProfile, OnDemand, Provisioned, StreamMode
from contract.models import Embedder, Model, models
from contract.runtime_settings import Rung

GLOBAL = "global"
EVERYWHERE = ""
EMBED = "embed"


@dataclass(frozen=True, kw_only=True)
class ModelAccessArgs:
    """`access`: rung -> how it is called; a rung that is not named is called in its model's usual way.

    `ladder`: as it stands here; rungs of another region are that region's to make. `guardrail` none: calls go
    unguarded. `only_guarded`: IAM refuses those that do. `table`: known models.
    """

    environment: str
    place: Place
    ladder: Sequence[Rung]
    access: Mapping[str, Capacity]
    geography: Geography
    embedder: Embedder | None
    guardrail: Guardrail | None
    stream: StreamMode
    only_guarded: bool
    production: bool
    today: date
    table: Mapping[str, Model] | None = None


class ModelAccess(Component):
    """`calls`: rung -> what to pass as modelId; `guarded`: the guardrail, as a call names it."""

    kind = "models:ModelAccess"

    def __init__(self, name: str, args: ModelAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        own = [rung for rung in args.ladder if rung.model is not None and rung.region is None]
        self._rungs = {rung.name: rung for rung in own}
        self._units: dict[str, ProvisionedThroughput] = {}
        self._profiles: dict[str, aws.bedrock.InferenceProfile] = {}
        self.calls: dict[str, Output[str]] = {name: self._call(rung) for name, rung in self._rungs.items()}
        self.embed: Output[str] | None = self._embed(args.embedder) if args.embedder else None
        rail = args.guardrail
        self.guarded: Mapping[str, Input[str]] | None = (
            {"id": rail.guardrail_id, "version": rail.version, "stream": args.stream} if rail else None
        )
        self.register_outputs({"rungs": list(self.calls)})

    def rung_for(self, model: str) -> str:
        """The rung here that serves who comes from the other region: on demand, units are for our own."""
        serving = [name for name, rung in self._rungs.items() if rung.model == model]
        plain = [name for name in serving if name not in self._units]
        if not serving:
            raise ValueError(f"no rung calls {model} in {self._args.place.region}: add one to runtime.ladder")
        return (plain or serving)[0]

    def _model(self, rung: Rung) -> Model:
        return (self._args.table or models())[rung.model or ""]

    def _capacity(self, rung: Rung) -> Capacity:
        return self._args.access.get(rung.name) or model_rules.usual(
            self._model(rung), self._args.place.region
        )

    def _call(self, rung: Rung) -> Output[str]:
        args, model, capacity = self._args, self._model(rung), self._capacity(rung)
        found = model_rules.refusal(
            model,
            capacity,
            args.place.region,
            geography=args.geography,
            production=args.production,
            today=args.today,
        )
        if found:
            raise ValueError(f"rung {rung.name}: {found.at or 'model'}: {found.why}")
        match capacity:
            case OnDemand():
                return self._profile(rung.name, self._foundation(model.id), model.id)
            case InferenceProfile():
                theirs = model_rules.profile_of(model, capacity, args.place.region)
                return self._profile(
                    rung.name, args.place.arn("bedrock", f"inference-profile/{theirs}"), theirs
                )
            case Provisioned():
                return self._buy(rung, model, capacity)

    def _profile(self, rung: str, source: Output[str], called: str) -> Output[str]:
        self._profiles[rung] = aws.bedrock.InferenceProfile(
            f"{self.name}-{rung}",
            name=f"concierge-{self._args.environment}-{rung}-{_digest(called)}",
            description=f"Metering of {rung}",
            model_source={"copy_from": source},
            tags={"Rung": rung},
            opts=self.child(),
        )
        return self._profiles[rung].arn

    def _buy(self, rung: Rung, model: Model, capacity: Provisioned) -> Output[str]:
        self._units[rung.name] = ProvisionedThroughput(
            f"{self.name}-{rung.name}",
            ProvisionedThroughputArgs(
                environment=self._args.environment,
                place=self._args.place,
                rung=rung.name,
                model=model,
                capacity=capacity,
                production=self._args.production,
                today=self._args.today,
            ),
            self.child(),
        )
        return self._units[rung.name].arn

    def _embed(self, embedder: Embedder) -> Output[str]:
        region = self._args.place.region
        if not embedder.active_in(region) or not embedder.regions[region].on_demand:
            raise ValueError(f"embedder {embedder.key}: cannot be called on demand in {region}: use another")
        return self._profile(EMBED, self._foundation(embedder.id), embedder.id)

    def _foundation(self, model_id: str, region: str | None = None) -> Output[str]:
        """The ARN of a model. A region of no name stands for a model everywhere."""
        place = self._args.place
        if region == EVERYWHERE:
            return Output.concat("arn:", place.partition, f":bedrock:::foundation-model/{model_id}")
        return place.ownerless_arn("bedrock", f"foundation-model/{model_id}", region=region)

    def grants(self) -> list[Grant]:
        """For whoever answers people: every rung, and nothing past the guardrail."""
        usual_first = sorted(self._rungs, key=lambda name: self._rungs[name].premium)
        found = [grant for rung in usual_first for grant in self.grants_of(rung)]
        return [*found, *self.guardrail_grants()]

    def guardrail_grants(self) -> list[Grant]:
        rail = self._args.guardrail
        return rail.grants() if rail else []

    def grants_of(self, name: str, *, by: str | None = None) -> list[Grant]:
        """What is called, and behind a profile the model wherever it leads, but only when it led there.

        `by`: the rung of another region that calls this one.
        """
        rung, call = self._rungs[name], self.calls[name]
        word = _word(by or name)
        opened = Grant(f"Call{word}", [INVOKE], [call], self.fence)
        if rung.name in self._units:
            return [opened]
        behind = [self._foundation(self._model(rung).id, region) for region in self._leads_to(rung)]
        through = {"StringEquals": {"bedrock:InferenceProfileArn": call}}
        return [opened, Grant(f"Behind{word}", [INVOKE], behind, through)]

    @cached_property
    def fence(self) -> Conditions:
        """Condition of whatever grant calls a model that answers people: no call without the guardrail."""
        rail = self._args.guardrail
        return rail.only_guarded() if rail and self._args.only_guarded else {}

    def _leads_to(self, rung: Rung) -> Sequence[str]:
        region, capacity = self._args.place.region, self._capacity(rung)
        if not isinstance(capacity, InferenceProfile):
            return [region]
        if capacity.scope == GLOBAL:
            return [region, EVERYWHERE]
        return spans(model_rules.profile_of(self._model(rung), capacity, region))

    def embed_grants(self) -> list[Grant]:
        """For whoever searches or fills the index. Vectors are no answers: no guardrail looks at them."""
        embedder = self._args.embedder
        if self.embed is None or embedder is None:
            return []
        behind = self._foundation(embedder.id)
        through = {"StringEquals": {"bedrock:InferenceProfileArn": self.embed}}
        return [
            Grant("CallEmbed", ["bedrock:InvokeModel"], [self.embed]),
            Grant("BehindEmbed", ["bedrock:InvokeModel"], [behind], through),
        ]

    def alarms(self) -> list[Watch]:
        watched = [
            watch
            for rung in self._rungs.values()
            for watch in model_watches.alarms(rung, self._metered(rung))
        ]
        return [*watched, *(watch for units in self._units.values() for watch in units.alarms())]

    def _metered(self, rung: Rung) -> Output[str]:
        """What AWS counts a rung under: the id of its profile, the ARN of its units."""
        profile = self._profiles.get(rung.name)
        return profile.id if profile is not None else self.calls[rung.name]

    def widgets(self) -> list[Widget]:
        """The graph of one rung's units is that of all: ids are known to nobody but AWS."""
        bought = [widget for units in [*self._units.values()][:1] for widget in units.widgets()]
        return [*model_watches.widgets(), *bought]


def _word(rung: str) -> str:
    return rung.title().replace("-", "")


def _digest(model_id: str) -> str:
    return hashlib.sha256(model_id.encode()).hexdigest()[:6]
