"""Our own models: which endpoints stand, on what and how many (MOD-5); how they are trained (MOD-6)."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from components.inference_instances import instances
from stacks.problems import rule
from stacks.section import Section

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def _digest(value: str) -> str:
    if not _DIGEST.fullmatch(value) or not value.removeprefix("sha256:").strip("0"):
        raise ValueError(
            "must be the image's digest, `sha256:` and 64 hexadecimal digits, not all zero: a tag may move; "
            "the push prints it"
        )
    return value


def _instance_type(value: str) -> str:
    if value not in instances():
        raise ValueError(f"is no type endpoints may run on: use one of {', '.join(instances())}")
    return value


def _artifact(value: str) -> str:
    if "://" in value or value.startswith("/"):
        raise ValueError("is the key in the bucket of models, without bucket or leading slash")
    return value


Digest = Annotated[str, AfterValidator(_digest)]
InstanceType = Annotated[str, AfterValidator(_instance_type)]
Artifact = Annotated[str, AfterValidator(_artifact)]


class Endpoint(Section):
    """One model and the instances it runs on."""

    enabled: bool = Field(
        True, description="whether it stands; without it the agent falls back: rules, Titan, results unranked"
    )
    image_digest: Digest | None = Field(
        None, description="`sha256:...` of the container; none: not built yet, so there is no endpoint"
    )
    artifact: Artifact | None = Field(
        None, description="key of the model in the bucket of models; a new model is a new key, never the same"
    )
    instance_type: InstanceType = Field(
        description="what it runs on; to change it: scaling: false, `up`, the type, `up`, scaling: true, `up`"
    )
    minimum: int = Field(2, ge=1, le=100, description="instances at least; two, so that a zone may be lost")
    maximum: int = Field(10, ge=1, le=100, description="instances at most")
    invocations_per_instance: int = Field(
        2000, ge=1000, le=5000, description="calls a minute and instance that scaling aims at (MOD-5)"
    )
    scaling: bool = Field(
        True, description="whether the count follows the calls; off only while the instance type changes"
    )
    guarded: bool = Field(
        True, description="whether alarms turn a rollout back; off only to mend what makes them red"
    )
    capture_percent: int = Field(
        15, ge=0, le=100, description="calls written down for the drift check and the next training; 0: none"
    )
    latency_ms: int = Field(gt=0, description="p99 of the model above which somebody is told")
    startup_s: int = Field(
        600, ge=60, le=3600, description="seconds a container may take until warm: then it answers /ping"
    )
    download_s: int = Field(600, ge=60, le=3600, description="seconds the model may take to be downloaded")
    multi_model: bool = Field(
        False, description="many models behind the endpoint: artifact is their prefix, a call names one"
    )

    @model_validator(mode="after")
    def _runs(self) -> Self:
        if self.maximum < self.minimum:
            raise rule("maximum", f"is below minimum: use at least {self.minimum}")
        if self.multi_model and not instances()[self.instance_type].multi_model:
            raise rule("multi_model", f"{self.instance_type} serves one model only: use a GPU type, or false")
        if (self.image_digest is None) != (self.artifact is None):
            raise rule("artifact", "goes with image_digest: set both, or neither while nothing is built")
        return self

    @property
    def stands(self) -> bool:
        """Whether there is anything to run."""
        return self.enabled and self.image_digest is not None and self.artifact is not None


class Intent(Endpoint):
    """DistilBERT tells what a message wants; 15 ms of the message's budget (RUN-1)."""

    instance_type: InstanceType = Field("ml.inf2.xlarge", description="what it runs on: Inferentia")
    latency_ms: int = Field(30, gt=0, description="p99 of the model above which somebody is told")


class Embed(Endpoint):
    """BGE-large, 1024 dimensions, English only; 30 ms of the budget."""

    instance_type: InstanceType = Field("ml.g4dn.xlarge", description="what it runs on: a GPU")
    latency_ms: int = Field(60, gt=0, description="p99 of the model above which somebody is told")


class Rerank(Endpoint):
    """The cross-encoder: ten results to three; 50 ms of the budget."""

    instance_type: InstanceType = Field("ml.g5.xlarge", description="what it runs on: a GPU")
    latency_ms: int = Field(100, gt=0, description="p99 of the model above which somebody is told")


class Inference(Section):
    """The endpoints of every region."""

    intent: Intent = Intent()
    embed: Embed = Embed()
    rerank: Rerank = Rerank()
    log_days: Literal[1, 3, 7, 14, 30, 60, 90, 180, 365] = Field(
        30, description="days the containers' logs stay in CloudWatch"
    )

    @property
    def standing(self) -> dict[str, Endpoint]:
        """Endpoint -> settings, of those that stand."""
        return {name: endpoint for name, endpoint in self._all().items() if endpoint.stands}

    def _all(self) -> dict[str, Endpoint]:
        return {"intent": self.intent, "embed": self.embed, "rerank": self.rerank}

    def warnings(self, *, protect: bool) -> list[str]:
        """What is allowed but should be known."""
        found = []
        for name, endpoint in self._all().items():
            key = f"inference.{name}"
            if endpoint.enabled and not endpoint.stands:
                found.append(
                    f"{key} has no image_digest and artifact: there is no endpoint. Push the image, write "
                    "the model into the bucket of models, and set both"
                )
            if endpoint.stands and protect and endpoint.minimum < 2:
                found.append(f"{key} may run a single instance in a protected environment (MOD-5)")
            if endpoint.stands and not endpoint.scaling:
                found.append(
                    f"{key}.scaling is off: the count does not follow the calls; for a type change only"
                )
            if endpoint.stands and not endpoint.guarded:
                found.append(f"{key}.guarded is off: no alarm turns a bad model back; for a mend only")
        return found


_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")


def _role(value: str) -> str:
    if not _ROLE.fullmatch(value):
        raise ValueError("is no ARN of a role, such as arn:aws:iam::123456789012:role/model-approvers")
    return value


Role = Annotated[str, AfterValidator(_role)]


class Training(Section):
    """How the intent model is made, approved and watched (MOD-6, MOD-7)."""

    enabled: bool = Field(False, description="whether the pipeline, the registry and the drift check exist")
    image_digest: Digest | None = Field(
        None,
        description="`sha256:...` of the image that prepares, trains and judges, in the models' repository",
    )
    inference_digest: Digest | None = Field(
        None, description="`sha256:...` of the container a registered model is to run in"
    )
    approvers: Annotated[tuple[Role, ...], Field(strict=False)] = Field(
        (), description="roles that may approve a model; nobody else may, the pipeline included"
    )
    threshold: float = Field(
        0.92, ge=0.5, le=1, description="accuracy on held-back messages from which a model is registered"
    )
    training_instance: str = Field(
        "ml.g5.xlarge", pattern=r"ml\.[a-z0-9]+\.[a-z0-9]+", description="what a training runs on"
    )
    processing_instance: str = Field(
        "ml.m5.xlarge",
        pattern=r"ml\.[a-z0-9]+\.[a-z0-9]+",
        description="what data is prepared and models are judged on; a type whose disk is not part of it",
    )
    drift_above: float = Field(
        0.2, gt=0, le=5, description="population stability index of the intents above which somebody is told"
    )
    log_days: Literal[1, 3, 7, 14, 30, 60, 90, 180, 365] = Field(
        90, description="days the logs of events and of the drift check stay in CloudWatch"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.enabled:
            return self
        if self.image_digest is None or self.inference_digest is None:
            raise rule(
                "image_digest", "and inference_digest are needed once training is enabled: push the images"
            )
        if not self.approvers:
            raise rule("approvers", "is empty: with training enabled name at least one role that may approve")
        return self
