"""What a stack file may say of the agent and of identity, and what it hears when it is wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from stacks.sections.agent import Agent
from stacks.sections.identity import Identity

DIGEST = "sha256:" + "4f" * 32


def said(section: type[Agent] | type[Identity], values: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as wrong:
        section.model_validate(values)
    (error,) = wrong.value.errors()
    return f"{error['ctx']['at']}: {error['ctx']['why']}"


def test_the_defaults_are_those_of_production():
    agent = Agent()
    assert (agent.host, agent.shell, agent.bake_minutes) == ("ecs", False, 10)
    assert {(s.minimum, s.maximum) for _, s in agent.services} == {(2, 50)}
    assert Identity().threat_protection == "enforced"


def test_one_key_of_a_service_leaves_the_others_as_they_are():
    agent = Agent.model_validate({"services": {"chat": {"minimum": 4}}})
    assert (agent.services.chat.cpu, agent.services.chat.memory_mb) == (2048, 4096)
    assert agent.services.chat.minimum == 4


@pytest.mark.parametrize(
    "digest", ["latest", "sha256:4f", "v1.2.3@sha256:" + "4f" * 32, "sha256:" + "zz" * 32]
)
def test_an_image_is_a_digest_and_never_a_tag(digest: str):
    assert "a tag may move" in said(Agent, {"image_digest": digest})


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_digest": "sha256:" + "0" * 64},
        {"host": "agentcore", "code": {"digest": "sha256:" + "0" * 64, "version": "v1"}},
    ],
    ids=["image", "zip"],
)
def test_the_digest_of_nothing_is_refused(wrong: dict[str, Any]):
    assert "leave the key out until one is pushed" in said(Agent, wrong)


def test_a_zip_is_for_agentcore_alone_and_has_a_version():
    code = {"digest": DIGEST, "version": "v1"}
    assert "code: is for agent.host agentcore" in said(Agent, {"code": code})
    with pytest.raises(ValidationError, match=r"code\.version"):
        Agent.model_validate({"host": "agentcore", "code": {"digest": DIGEST}})
    made = Agent.model_validate({"host": "agentcore", "code": code})
    assert made.code is not None
    assert made.code.python == "3.13"


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ({"cpu": 300}, "cpu: Fargate has tasks of 256, 512, 1024"),
        ({"cpu": 256, "memory_mb": 4096}, "memory_mb: with cpu 256 Fargate has 512, 1024, 2048"),
        ({"cpu": 4096, "memory_mb": 2048}, "memory_mb: with cpu 4096 Fargate has 8192, 9216 ... 30720"),
        ({"minimum": 5, "maximum": 4}, "maximum: is below minimum: use at least 5"),
    ],
)
def test_a_size_fargate_does_not_have_names_those_it_has(service: dict[str, int], words: str):
    assert words in said(Agent, {"services": {"rest": service}})


def test_without_an_image_the_plan_says_how_to_get_one():
    (warning,) = Agent().warnings(protect=True)
    assert "declared without a task" in warning
    assert "push the image and set the digest" in warning
    assert Agent(image_digest=DIGEST).warnings(protect=True) == []


def test_what_is_unwise_in_a_protected_environment_is_said():
    agent = Agent.model_validate(
        {"image_digest": DIGEST, "shell": True, "services": {"rest": {"minimum": 1}}}
    )
    shell, single = agent.warnings(protect=True)
    assert "agent.shell is on" in shell
    assert "agent.services.rest may run a single task" in single
    assert agent.warnings(protect=False) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"callback_urls": ["http://shop.example/"]}, "callback_urls: http://shop.example/: use https://"),
        ({"domain_prefix": "Shop"}, "domain_prefix: takes lower-case letters"),
        ({"domain_prefix": "my-aws-shop"}, "domain_prefix: contains aws, which Cognito keeps for itself"),
        ({"permission_boundary_arn": "boundary"}, "permission_boundary_arn: must be the ARN of a policy"),
    ],
)
def test_identity_names_the_key_and_the_fix(values: dict[str, Any], words: str):
    assert words in said(Identity, values)


def test_a_page_under_development_may_be_local():
    assert Identity(callback_urls=("http://localhost:3000/",)).callback_urls == ("http://localhost:3000/",)


def test_what_signing_in_lacks_is_said():
    assert len(Identity().warnings(protect=True)) == 2
    weak = Identity(callback_urls=("https://shop.example/",), threat_protection="off")
    found = weak.warnings(protect=True)
    assert any("stolen passwords are not stopped" in warning for warning in found)
    assert weak.warnings(protect=False) == []
