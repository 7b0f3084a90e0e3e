"""The agent's tasks are told where everything is that they ask, by the names the runtime reads."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from plan import Plan
from runtime import surroundings
from runtime.places import VARIABLES, Places
from stacks.sections.shop import Shop

CAMPAIGN = "arn:aws:personalize:us-east-1:123456789012:campaign/bought-together"

CHANGED = {
    "shop.pricing": "https://pricing.example.com",
    "shop.campaign": CAMPAIGN,
    "shop.catalogue": "false",
}

BUILT = {
    "inference.intent.image_digest": "sha256:" + "4f" * 32,
    "inference.intent.artifact": "intent/1/model.tar.gz",
}


def told(plan: Plan, service: str) -> list[Mapping[str, str]]:
    """The environment of a service's tasks, one of each region."""
    found: list[Mapping[str, str]] = []
    for task in plan.of_type("ecs.TaskDefinition"):
        if task.name.endswith(f"agent-{service}-definition"):
            (container,) = json.loads(task.inputs["containerDefinitions"])
            found.append({pair["name"]: pair["value"] for pair in container["environment"]})
    assert found
    return found


def allowed(plan: Plan, service: str) -> dict[str, Any]:
    """Sid -> statement of what its role may do, in one region."""
    statements: dict[str, Any] = {}
    for policy in plan.of_type("iam.RolePolicy"):
        if policy.name.endswith(f"agent-{service}-task-grants"):
            document = json.loads(policy.inputs["policy"])
            statements |= {statement.get("Sid", ""): statement for statement in document["Statement"]}
    return statements


@pytest.mark.parametrize("service", ["chat", "rest"])
def test_every_place_the_plan_knows_is_told(either: Plan, service: str):
    for variables in told(either, service):
        places = Places.read(variables)  # each is one that can be

        assert places.search is not None
        assert places.search.startswith("https://")
        assert places.cache is not None
        assert places.cache.startswith("rediss://")
        assert places.sessions_table in {t.inputs["name"] for t in either.of_type("dynamodb.Table")}
        assert places.tickets_table in {t.inputs["name"] for t in either.of_type("dynamodb.Table")}
        assert places.feedback_table in {t.inputs["name"] for t in either.of_type("dynamodb.Table")}
        assert places.catalogue is not None
        assert places.catalogue.endswith(":50051")


def test_endpoints_are_told_where_they_stand(planned: Any):
    """In prod none stands until a model was built; then its tasks are told of it, and of no other."""
    (before, *_), (after, *_) = (told(planned("prod", changes), "chat") for changes in ({}, BUILT))

    assert {"intent_endpoint", "rerank_endpoint"} <= set(Places.read(before).missing)
    places = Places.read(after)
    logs = {log.inputs["name"] for log in planned("prod", BUILT).of_type("cloudwatch.LogGroup")}
    assert f"/aws/sagemaker/Endpoints/{places.intent_endpoint}" in logs
    assert "rerank_endpoint" in places.missing


def test_the_shops_services_are_off_until_somebody_says_where_they_are(dev: Plan, planned: Any):
    (variables,) = told(dev, "chat")
    off = {"product_search", "pricing", "recommendation", "shipping", "promotions", "orders", "campaign"}
    assert off <= set(Places.read(variables).missing)

    changed = planned("dev", CHANGED)
    for service in ("chat", "rest"):
        (variables,) = told(changed, service)
        places = Places.read(variables)
        assert (places.pricing, places.campaign) == ("https://pricing.example.com", CAMPAIGN)
        assert places.catalogue is None


def test_nothing_is_told_that_nobody_reads(either: Plan):
    known = {*VARIABLES.values(), *surroundings.VARIABLES, "CONCIERGE_SERVICE"}
    for variables in (*told(either, "chat"), *told(either, "rest")):
        assert variables.keys() <= known


def test_whoever_answers_may_ask_what_it_is_told_of(planned: Any):
    plan = planned("dev", CHANGED)
    for service in ("chat", "rest"):
        may = allowed(plan, service)
        assert {"ReadIndex", "UseCache", "CallEmbed", "Recommend"} <= may.keys()
        assert CAMPAIGN in may["Recommend"]["Resource"]
        writes = [s for s in may.values() if "dynamodb:UpdateItem" in s["Action"]]
        assert any("sessions" in str(s["Resource"]) for s in writes)
    handing = [s for s in allowed(plan, "rest").values() if "tickets" in str(s["Resource"])]
    assert [s["Action"] for s in handing if "dynamodb:PutItem" in s["Action"]]


def test_whoever_puts_originals_into_the_vault_cannot_take_one_out(either: Plan):
    for service in ("chat", "rest"):
        for variables in told(either, service):
            places = Places.read(variables)
            assert None not in (places.vault_table, places.customer_keys_table, places.customer_keys_key)
        statements = allowed(either, service).values()
        into = [s for s in statements if any("pii-vault" in str(one) for one in s["Resource"])]
        tables = [s for s in into if not str(s["Action"]).startswith("['kms")]
        assert [s["Action"] for s in tables] == [["dynamodb:PutItem"]]
        wraps = allowed(either, service)["WrapKeysOfCustomers"]
        assert "kms:EncryptionContext:customer" in str(wraps["Condition"])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pricing", "http://pricing.example.com"),
        ("pricing", "https://pricing.example.com:8443"),
        ("pricing", "pricing.example.com"),
        ("orders", "https://"),
        ("orders", "https://orders.example.com:many"),
        ("campaign", "bought-together"),
        ("campaign", "arn:aws:personalize:us-east-1:123456789012:solution/x"),
    ],
)
def test_a_place_that_cannot_be_reached_is_refused(key: str, value: str):
    with pytest.raises(ValidationError, match=r"must be (a URL|the ARN)"):
        Shop.model_validate({key: value})


def test_whoever_answers_knows_whose_tokens_count_and_may_read_what_signs_its_own(either: Plan):
    for service in ("chat", "rest"):
        for variables in told(either, service):
            around = surroundings.Surroundings.read(variables)
            assert around.issuer is not None
            assert around.issuer.issuer.startswith("https://cognito-idp.")
            assert around.callback is not None
            assert around.callback.endswith("/ws")
            secrets = allowed(either, service).get("ReadSecrets", {}).get("Resource", [])
            assert (around.token_secret or "no secret") in (str(secrets) if secrets else "no secret")


def test_prods_tasks_share_what_signs_their_tokens(prod: Plan):
    assert all(v["CONCIERGE_TOKEN_SECRET"] for v in told(prod, "chat"))
    assert "ReadSecrets" in allowed(prod, "chat")
