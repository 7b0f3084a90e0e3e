"""Versions of a model in the estate's registry, on an AWS of this machine."""

import boto3
import pytest
from moto import mock_aws

from training.errors import RegistryError
from training.registry import Registry, UnreachableError, Wanted

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/models@sha256:" + "a" * 64
GOOD = Wanted(artifact="s3://models/intent/1/model.tar.gz", image=IMAGE, measures={"accuracy": 0.95})


@pytest.fixture
def registry(monkeypatch, nowhere_else):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("sagemaker", region_name="us-east-1")
        group = "concierge-test-intent"
        client.create_model_package_group(ModelPackageGroupName=group)
        yield Registry(client, group, 0.92)


def test_a_version_waits_for_approval_and_says_what_it_is(registry):
    made = registry.register(GOOD)
    assert (made.number, made.status, made.artifact, made.image) == (
        1,
        "PendingManualApproval",
        GOOD.artifact,
        IMAGE,
    )
    assert made.measures == {"accuracy": 0.95}
    assert [one.number for one in (registry.register(GOOD), *registry.versions())] == [2, 2, 1]


def test_a_good_one_may_be_approved_and_an_approval_taken_back(registry):
    made = registry.register(GOOD)
    approved = registry.decide(made, "Approved", "better on held-back messages")
    assert (approved.status, approved.why) == ("Approved", "better on held-back messages")
    assert registry.decide(approved, "Rejected", "drifted").status == "Rejected"


@pytest.mark.parametrize(
    ("measures", "said"), [({"accuracy": 0.9}, "below the stack's 0.92"), ({}, "says nothing")]
)
def test_a_weak_or_silent_one_may_not(registry, measures, said):
    made = registry.register(GOOD.model_copy(update={"measures": measures}))
    with pytest.raises(RegistryError, match=said):
        registry.decide(made, "Approved", "why not")
    assert registry.version(1).status == "PendingManualApproval"


def test_what_it_is_already_it_does_not_become(registry):
    made = registry.decide(registry.register(GOOD), "Approved", "good")
    with pytest.raises(RegistryError, match="Approved already"):
        registry.decide(made, "Approved", "again")


def test_a_version_that_is_not_there_is_told_with_those_that_are(registry):
    registry.register(GOOD)
    with pytest.raises(RegistryError, match="no version 7: there is 1"):
        registry.version(7)


def test_a_group_that_is_not_there_is_told(registry):
    other = Registry(registry._client, "concierge-none-intent", 0.9)
    with pytest.raises(RegistryError, match="concierge-none-intent"):
        other.register(GOOD)


def test_an_aws_that_does_not_answer_is_told(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    client = boto3.client("sagemaker", region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match="cannot be asked"):
        Registry(client, "concierge-test-intent", 0.9).versions()


@pytest.mark.parametrize("wrong", [{"artifact": "model.tar.gz"}, {"image": "models:latest"}])
def test_only_what_is_pinned_is_registered(wrong):
    with pytest.raises(ValueError, match="pattern"):
        Wanted.model_validate({**GOOD.model_dump(), **wrong})
