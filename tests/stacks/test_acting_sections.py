"""What may be set about ingest, delivery, experiments and the load fleet, and the fix where it may not."""

from typing import Any

import pytest
from pydantic import ValidationError

from stacks.sections.delivery import Delivery, Faults, Fleet
from stacks.sections.ingest import Ingest

DIGEST = f"sha256:{'a' * 64}"
DEPLOYERS = {
    "first": {"stack": "dev", "role_arn": "arn:aws:iam::111111111111:role/deployer"},
    "last": {"stack": "prod", "role_arn": "arn:aws:iam::222222222222:role/deployer"},
}
PIPELINES: dict[str, Any] = {
    "enabled": True,
    "repository": "shop/concierge",
    **DEPLOYERS,
    "state_url": "s3://state",
    "repositories": ["arn:aws:ecr:us-east-1:111111111111:repository/concierge-dev-agent"],
    "cli_image": f"pulumi/pulumi-python@{DIGEST}",
}
FLEET: dict[str, Any] = {
    "enabled": True,
    "image": f"load@{DIGEST}",
    "repository_arn": "arn:aws:ecr:us-east-1:111111111111:repository/concierge-prod-agent",
    "target": "https://shop.example",
}


def test_nothing_that_acts_is_on_by_itself():
    assert not Delivery().enabled
    assert not Faults().enabled
    assert not Fleet().enabled


def test_ingest_is_on_and_a_document_is_dead_before_it_vanishes():
    ingest = Ingest()
    assert ingest.enabled
    assert ingest.visible_s * ingest.tries < ingest.keep_days * 86_400


def test_pipelines_and_the_fleet_come_with_all_they_need():
    assert Delivery.model_validate(PIPELINES).first is not None
    assert Fleet.model_validate(FLEET).workers == 10


@pytest.mark.parametrize("key", ["repository", "first", "last", "state_url", "repositories", "cli_image"])
def test_a_pipeline_that_lacks_something_says_what(key: str):
    lacking = {name: value for name, value in PIPELINES.items() if name != key}
    with pytest.raises(ValidationError, match="is needed by the pipelines"):
        Delivery.model_validate(lacking)


@pytest.mark.parametrize("key", ["image", "repository_arn", "target"])
def test_a_fleet_that_lacks_something_says_what(key: str):
    lacking = {name: value for name, value in FLEET.items() if name != key}
    with pytest.raises(ValidationError, match="is needed by the fleet"):
        Fleet.model_validate(lacking)


@pytest.mark.parametrize(
    ("changed", "fix"),
    [
        ({"cli_image": "pulumi/pulumi-python:latest"}, "a tag may move"),
        ({"last": DEPLOYERS["first"]}, "approval would come after the fact"),
        ({"first": {"stack": "dev", "role_arn": "deployer"}}, "is no ARN of a role"),
        ({"repositories": ["concierge-dev-agent"]}, "is no ARN of a registry"),
        ({"repository": "concierge"}, "should match pattern"),
        ({"state_url": "file://state"}, "should match pattern"),
        ({"access_key": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_pipeline_that_could_not_run_is_refused(changed: dict[str, Any], fix: str):
    with pytest.raises(ValidationError, match=fix):
        Delivery.model_validate({**PIPELINES, **changed})


@pytest.mark.parametrize(
    ("changed", "fix"),
    [
        ({"image": "load:latest"}, "a tag may move"),
        ({"workers": 0}, "greater than or equal to 1"),
        ({"target": "shop.example"}, "should match pattern"),
    ],
)
def test_a_fleet_that_could_not_run_is_refused(changed: dict[str, Any], fix: str):
    with pytest.raises(ValidationError, match=fix):
        Fleet.model_validate({**FLEET, **changed})


def test_an_experiment_that_nothing_stops_is_refused():
    with pytest.raises(ValidationError, match="at least 1 item"):
        Faults.model_validate({"enabled": True, "stop_alarms": []})


def test_a_document_that_would_vanish_before_it_is_dead_is_refused():
    with pytest.raises(ValidationError, match="outlast keep_days"):
        Ingest.model_validate({"visible_s": 43_200, "tries": 20, "keep_days": 1})
