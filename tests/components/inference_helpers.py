"""The endpoints of a small shop as a plan: one on Inferentia, one on a GPU, and one for many models."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pulumi

from components.alarms import Watch
from components.inference import Inference, InferenceArgs
from components.inference_model import Bucket, Served
from contract.alarms import Widget
from plan import Plan
from tests.components.data_helpers import ACCOUNT, options, place, planned

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
DIGEST = f"sha256:{'a1' * 32}"


def key(data: str) -> str:
    return f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{data}"


INTENT = Served(
    image_digest=DIGEST,
    artifact="intent/2026-11-01/model.tar.gz",
    instance_type="ml.inf2.xlarge",
    minimum=2,
    maximum=10,
    invocations_per_instance=2000,
    capture_percent=15,
    latency_ms=30,
    startup_s=300,
    download_s=600,
)
EMBED = replace(INTENT, artifact="embed/1/model.tar.gz", instance_type="ml.g4dn.xlarge", latency_ms=60)
MANY = replace(EMBED, artifact="rerank/", multi_model=True, capture_percent=0)
SERVED: Mapping[str, Served] = {"intent": INTENT, "embed": EMBED, "rerank": MANY}


class Shop:
    """The plan, and what the component says of itself."""

    def __init__(self, served: Mapping[str, Served], protect: bool) -> None:
        self._served, self._protect = served, protect
        self.watches: list[Watch] = []
        self.widgets: list[Widget] = []
        self.plan: Plan = planned(self._program)

    @property
    def grants(self) -> list[Any]:
        return list(self.plan.outputs["grants"])

    def _program(self) -> None:
        made = Inference(
            "primary-inference",
            InferenceArgs(
                environment="shop",
                place=place("primary"),
                served=self._served,
                artifacts=Bucket(name="models", arn="arn:aws:s3:::models", key_arn=key("objects")),
                captures=Bucket(name="training", arn="arn:aws:s3:::training", key_arn=key("objects")),
                subnet_ids=["subnet-a", "subnet-b"],
                security_group_id="sg-models",
                image_key_arn=key("images"),
                disk_key_arn=key("models"),
                log_key_arn=key("logs"),
                log_days=30,
                protect=self._protect,
                boundary_arn=BOUNDARY,
            ),
            options(["primary"])["primary"],
        )
        self.watches, self.widgets = made.alarms(), made.widgets()
        pulumi.export("grants", [grant.statement() for grant in made.grants()])
        pulumi.export("names", made.names)


@cache
def shop(protect: bool = True) -> Shop:
    return Shop(SERVED, protect)


def with_intent(change: Callable[[Served], Served]) -> Plan:
    """The plan with the intent model changed."""
    return Shop({**SERVED, "intent": change(INTENT)}, True).plan
