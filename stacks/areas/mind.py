"""What the agent thinks with: the ladder of its models, search, SageMaker, units for events (MOD, VEC)."""

from dataclasses import dataclass

from components.alarms import Watched
from components.event_capacity import CapacityEvent, EventCapacity, EventCapacityArgs
from components.inference import Inference, InferenceArgs
from components.inference_model import Bucket, Served
from components.invocation_logging import InvocationLogging, InvocationLoggingArgs
from components.model_calls import ModelCalls, ModelCallsArgs
from components.model_drift import ModelDrift, ModelDriftArgs
from components.models import Models, ModelsArgs
from components.search import Search, SearchArgs, Warm
from components.search_service_role import SearchServiceRole
from components.search_snapshots import SearchSnapshots, SearchSnapshotsArgs
from components.training import Training, TrainingArgs
from contract.models import models
from contract.search import embedders, index
from stacks.areas.data import Data
from stacks.areas.ground import Ground
from stacks.areas.signals import Signals
from stacks.areas.voice import Voice, Voices
from stacks.site import Site

READERS, WRITERS = ("chat", "rest", "tools"), ("ingest",)


@dataclass(frozen=True, kw_only=True)
class Mind:
    """Everything that answers when the agent asks."""

    voice: Voice
    models: Models
    calls: ModelCalls
    call_log: InvocationLogging | None
    search: Search
    snapshots: SearchSnapshots
    inference: Inference
    training: Training | None
    drift: ModelDrift | None
    events: EventCapacity | None

    @property
    def watched(self) -> list[Watched | None]:
        always: list[Watched | None] = [self.models, *self.voice.watched, self.calls, self.search]
        return [*always, self.inference, self.call_log, self.training, self.drift, self.events]


def make(
    site: Site,
    ground: Ground,
    data: Data,
    signals: Signals,
    voices: Voices,
    search_role: SearchServiceRole | None,
) -> Mind:
    inference = _inference(site, ground, data)
    search = _search(site, ground, search_role)
    training = _training(site, ground, data, inference)
    return Mind(
        voice=voices.here,
        models=Models(
            site.named("models"),
            ModelsArgs(environment=site.environment, region=site.chosen.name, runtime=site.runtime),
            site.inside,
        ),
        calls=ModelCalls(
            site.named("model-calls"),
            ModelCallsArgs(
                environment=site.environment,
                ladder=site.runtime.ladder,
                here=voices.here.access,
                other=voices.other.access if voices.other else None,
            ),
            site.inside,
        ),
        call_log=_call_log(site, data) if site.settings.models.call_log.enabled else None,
        search=search,
        snapshots=_snapshots(site, data, search),
        inference=inference,
        training=training,
        drift=_drift(site, data, inference) if training else None,
        events=_events(site, signals) if site.settings.events.enabled else None,
    )


def _call_log(site: Site, data: Data) -> InvocationLogging:
    chosen = site.settings.models.call_log
    return InvocationLogging(
        site.named("call-log"),
        InvocationLoggingArgs(
            environment=site.environment,
            place=site.place,
            key_arn=site.keys["logs"],
            access_log=data.buckets.names["access-logs"],
            protect=site.guarded,
            boundary=site.boundary,
            **chosen.model_dump(exclude={"enabled"}),
        ),
        site.inside,
    )


def _search(site: Site, ground: Ground, service_role: SearchServiceRole | None) -> Search:
    chosen = site.settings.search
    return Search(
        site.named("search"),
        SearchArgs(
            environment=site.environment,
            place=site.place,
            **chosen.model_dump(exclude={"documents", "replicas", "create_service_role", "warm"}),
            warm=Warm(**chosen.warm.model_dump()),
            subnet_ids=ground.network.isolated_subnet_ids,
            security_group_id=ground.groups.ids["search"],
            key_arn=site.keys["search"],
            log_key_arn=site.keys["logs"],
            readers=[site.role_of(workload) for workload in READERS],
            writers=[site.role_of(workload) for workload in WRITERS],
            master=site.role_name("search-setup"),
            protect=site.guarded,
            after=[service_role.role] if service_role else [],
        ),
        site.inside,
    )


def _snapshots(site: Site, data: Data, search: Search) -> SearchSnapshots:
    return SearchSnapshots(
        site.named("search-snapshots"),
        SearchSnapshotsArgs(
            environment=site.environment,
            place=site.place,
            domain_arn=search.arn,
            key_arn=site.keys["objects"],
            log_to=data.buckets.names["access-logs"],
            protect=site.guarded,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )


def _bucket(site: Site, data: Data, name: str) -> Bucket:
    buckets = data.buckets
    return Bucket(name=buckets.names[name], arn=buckets.arns[name], key_arn=site.keys["objects"])


def _is_asked(what: str, site: Site) -> bool:
    """Whether the agent asks this model all day: a standby rests, and an index has one embedder."""
    embeds_itself = embedders()[index().embedder].service == "sagemaker"
    return site.role == "primary" and (what != "embed" or embeds_itself)


def _inference(site: Site, ground: Ground, data: Data) -> Inference:
    chosen = site.settings.inference
    return Inference(
        site.named("inference"),
        InferenceArgs(
            environment=site.environment,
            place=site.place,
            served={
                what: Served(**endpoint.model_dump(exclude={"enabled"}), busy=_is_asked(what, site))
                for what, endpoint in chosen.standing.items()
            },
            artifacts=_bucket(site, data, "model-artifacts"),
            captures=_bucket(site, data, "training"),
            subnet_ids=ground.network.private_subnet_ids,
            security_group_id=ground.groups.ids["models"],
            image_key_arn=site.keys["images"],
            disk_key_arn=site.keys["models"],
            log_key_arn=site.keys["logs"],
            log_days=chosen.log_days,
            protect=site.guarded,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )


def _training(site: Site, ground: Ground, data: Data, inference: Inference) -> Training | None:
    chosen = site.settings.training
    if not chosen.enabled or site.role == "standby":
        return None
    return Training(
        site.named("training"),
        TrainingArgs(
            environment=site.environment,
            place=site.place,
            data=_bucket(site, data, "training"),
            models=_bucket(site, data, "model-artifacts"),
            repository_arn=inference.repository_arn,
            repository_url=inference.repository_url,
            subnet_ids=ground.network.private_subnet_ids,
            security_group_id=ground.groups.ids["models"],
            disk_key_arn=site.keys["models"],
            log_key_arn=site.keys["logs"],
            protect=site.guarded,
            boundary_arn=site.boundary,
            **chosen.model_dump(exclude={"enabled", "drift_above"}),
        ),
        site.inside,
    )


def _drift(site: Site, data: Data, inference: Inference) -> ModelDrift | None:
    """Only what is captured can be compared with what the model was trained on (MOD-7)."""
    if "intent" not in inference.names or not site.settings.inference.intent.capture_percent:
        return None
    return ModelDrift(
        site.named("model-drift"),
        ModelDriftArgs(
            environment=site.environment,
            place=site.place,
            what="intent",
            data=_bucket(site, data, "training"),
            above=site.settings.training.drift_above,
            log_days=site.settings.training.log_days,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )


def _events(site: Site, signals: Signals) -> EventCapacity:
    chosen = site.settings.events
    return EventCapacity(
        site.named("events"),
        EventCapacityArgs(
            environment=site.environment,
            place=site.place,
            calendar=[
                CapacityEvent(
                    name=event.name,
                    model=event.model,
                    model_id=event.variant,
                    units=event.units,
                    starts=event.starts,
                    ends=event.ends,
                    lead_hours=event.lead_hours,
                )
                for event in chosen.of(site.role)
            ],
            model_ids=[model.id for model in models().values()],
            drain_s=chosen.drain_s,
            topics=signals.notices.topics,
            notices_key_arn=site.keys["notices"],
            log_key_arn=site.keys["logs"],
            log_days=chosen.log_days,
            protect=site.guarded,
            boundary=site.boundary,
        ),
        site.inside,
    )
