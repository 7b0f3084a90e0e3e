"""Settings of our own models: what they are without a word, what is refused and why (MOD-5, MOD-6)."""

from typing import Any

import boto3
import pytest
from pydantic import ValidationError

from components.inference_instances import instances
from contract.search import embedders, index
from stacks.sections.inference import Inference, Intent, Training
from tests.conftest import Planned
from tests.runbooks.place_helpers import CHANGES

DIGEST = f"sha256:{'a1' * 32}"
BUILT: dict[str, Any] = {"image_digest": DIGEST, "artifact": "intent/1/model.tar.gz"}
ROLE = "arn:aws:iam::123456789012:role/model-approvers"


def test_without_a_word_the_models_run_on_what_is_required():
    found = Inference()
    assert found.intent.instance_type == "ml.inf2.xlarge"
    assert found.embed.instance_type == "ml.g4dn.xlarge"
    assert instances()[found.rerank.instance_type].gpus == 1
    for endpoint in (found.intent, found.embed, found.rerank):
        assert (endpoint.minimum, endpoint.maximum) == (2, 10)
        assert 1000 <= endpoint.invocations_per_instance <= 5000
        assert 10 <= endpoint.capture_percent <= 20


def test_sagemaker_hosts_on_every_type_of_the_table():
    """And the table says of each whether its disk is its own, which decides about the key."""
    client = boto3.client("sagemaker", region_name="us-east-1")
    offered = client.meta.service_model.shape_for("ProductionVariantInstanceType").enum
    assert set(instances()) <= set(offered)
    assert {name for name, has in instances().items() if not has.local_storage} == {
        "ml.inf2.xlarge",
        "ml.inf2.8xlarge",
    }


def test_nothing_stands_before_it_is_built_and_that_is_said():
    found = Inference()
    assert found.standing == {}
    assert len([w for w in found.warnings(protect=True) if "has no image_digest" in w]) == 3


def test_what_is_built_stands():
    found = Inference(intent=Intent(**BUILT))
    assert list(found.standing) == ["intent"]


def test_what_is_off_stands_nowhere_and_is_not_asked_for():
    """Development."""
    found = Inference.model_validate({name: {"enabled": False} for name in ("intent", "embed", "rerank")})
    assert found.standing == {}
    assert found.warnings(protect=False) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"minimum": 1}, "single instance"),
        ({"scaling": False}, "scaling is off"),
        ({"guarded": False}, "guarded is off"),
    ],
)
def test_what_is_allowed_for_a_while_is_said(change: dict[str, Any], said: str):
    found = Inference(intent=Intent(**BUILT, **change)).warnings(protect=True)
    assert any(said in warning for warning in found)


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ({"invocations_per_instance": 900}, "greater than or equal to 1000"),
        ({"invocations_per_instance": 6000}, "less than or equal to 5000"),
        ({"minimum": 5, "maximum": 4}, "use at least 5"),
        ({"instance_type": "ml.c5.large"}, "use one of ml.inf2.xlarge"),
        ({"multi_model": True}, "use a GPU type"),
        ({"image_digest": "intent:latest"}, "a tag may move"),
        ({"image_digest": f"sha256:{'0' * 64}"}, "not all zero"),
        ({"artifact": "s3://models/intent.tar.gz"}, "without bucket"),
        ({"artifact": None}, "set both"),
        ({"startup_s": 30}, "greater than or equal to 60"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(change: dict[str, Any], fix: str):
    with pytest.raises(ValidationError, match=fix):
        Intent.model_validate({**BUILT, **change})


def test_many_models_may_share_a_gpu():
    assert Intent.model_validate(
        {**BUILT, "instance_type": "ml.g4dn.xlarge", "multi_model": True}
    ).multi_model


def test_training_is_off_without_a_word():
    assert not Training().enabled


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ({"approvers": ()}, "name at least one role"),
        ({"approvers": ("ann",)}, "is no ARN of a role"),
        ({"image_digest": None}, "push the images"),
        ({"inference_digest": None}, "push the images"),
        ({"threshold": 0.3}, "greater than or equal to 0.5"),
    ],
)
def test_training_wants_images_and_somebody_who_approves(change: dict[str, Any], fix: str):
    whole = {"enabled": True, "image_digest": DIGEST, "inference_digest": DIGEST, "approvers": (ROLE,)}
    assert Training.model_validate(whole).enabled
    with pytest.raises(ValidationError, match=fix):
        Training.model_validate({**whole, **change})


def test_only_who_is_asked_all_day_is_watched_for_silence(planned: Planned):
    """The index has one embedder, and it is Bedrock's: whoever else embeds is silent, and well."""
    alarms = {a.inputs["name"] for a in planned("prod", CHANGES).of_type("cloudwatch.MetricAlarm")}
    watched = {what for what in ("intent", "embed", "rerank") if f"concierge-prod-{what}-silent" in alarms}
    assert embedders()[index().embedder].service == "bedrock"
    assert watched == {"intent", "rerank"}
    assert {f"concierge-prod-{what}-slow" for what in ("intent", "embed", "rerank")} <= alarms
