"""Training and the drift check of a small shop, as plans."""

from functools import cache

from components.alarms import Watch
from components.inference_model import Bucket
from components.model_drift import ModelDrift, ModelDriftArgs
from components.training import Training, TrainingArgs
from plan import Plan
from tests.components.data_helpers import ACCOUNT, options, place, planned
from tests.components.inference_helpers import BOUNDARY, DIGEST, key

APPROVER = f"arn:aws:iam::{ACCOUNT}:role/model-approvers"
INFERENCE_DIGEST = f"sha256:{'b2' * 32}"
DATA = Bucket(name="training", arn="arn:aws:s3:::training", key_arn=key("objects"))
MODELS = Bucket(name="models", arn="arn:aws:s3:::models", key_arn=key("objects"))


@cache
def training(protect: bool = True) -> tuple[Plan, tuple[Watch, ...]]:
    """The registry and the pipeline, and what is watched."""
    watched: list[Watch] = []

    def program() -> None:
        made = Training(
            "primary-training",
            TrainingArgs(
                environment="shop",
                place=place("primary"),
                data=DATA,
                models=MODELS,
                repository_arn=f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/concierge-shop-models",
                repository_url="images/concierge-shop-models",
                image_digest=DIGEST,
                inference_digest=INFERENCE_DIGEST,
                training_instance="ml.g5.xlarge",
                processing_instance="ml.m5.xlarge",
                threshold=0.92,
                approvers=[APPROVER],
                subnet_ids=["subnet-a", "subnet-b"],
                security_group_id="sg-models",
                disk_key_arn=key("models"),
                log_key_arn=key("logs"),
                log_days=30,
                protect=protect,
                boundary_arn=BOUNDARY,
            ),
            options(["primary"])["primary"],
        )
        watched[:] = made.alarms()

    made = planned(program)
    return made, tuple(watched)


@cache
def drift() -> tuple[Plan, tuple[Watch, ...]]:
    """The daily look, and what is watched."""
    watched: list[Watch] = []

    def program() -> None:
        made = ModelDrift(
            "primary-drift",
            ModelDriftArgs(
                environment="shop",
                place=place("primary"),
                what="intent",
                data=DATA,
                above=0.2,
                log_days=30,
                boundary_arn=BOUNDARY,
            ),
            options(["primary"])["primary"],
        )
        made.widgets()
        watched[:] = made.alarms()

    made = planned(program)
    return made, tuple(watched)
