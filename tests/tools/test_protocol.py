"""What is made from the types of the protocol, and that the gateway offers the same."""

import json
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

from contract.frames import Ask
from runtime.surfaces.rest import OPERATIONS, Feedback
from tools.protocol import openapi, protocol_page


@pytest.fixture(scope="module")
def gateway(root: Any) -> Any:
    return yaml.safe_load((root / "components" / "rest_api.yaml").read_text(encoding="utf-8"))


def test_the_document_is_openapi():
    validate(json.loads(openapi()))


def test_every_frame_has_its_chapter():
    page = protocol_page()
    for kind in [
        "message",
        "resend",
        "resume",
        "start",
        "delta",
        "correction",
        "final",
        "banner",
        "error",
        "resumed",
        "reconnect",
    ]:
        assert f"#### `{kind}`" in page


def test_the_gateway_offers_what_the_agent_serves(gateway: Any):
    """Its /ping is its own."""
    offered = {
        (method.upper(), f"/v1{path}"): operation["x-needs"]
        for path, operations in gateway["paths"].items()
        for method, operation in operations.items()
    }
    del offered["GET", "/v1/ping"]
    assert offered == {(one.method, one.path): "user" if one.user else "anyone" for one in OPERATIONS}


@pytest.mark.parametrize(("name", "shape"), [("Message", Ask), ("Feedback", Feedback)])
def test_the_gateway_lets_through_what_the_agent_takes(gateway: Any, name: str, shape: Any):
    theirs, ours = gateway["components"]["schemas"][name], shape.model_json_schema()
    assert theirs["properties"].keys() == ours["properties"].keys()
    assert set(theirs["required"]) == set(ours["required"])
    for field, limits in theirs["properties"].items():
        mine = ours["properties"][field]
        mine = {**mine, **mine.get("anyOf", [{}])[0]}
        for limit in ("minLength", "maxLength", "minimum", "maximum"):
            assert limits.get(limit) == mine.get(limit), f"{field}: {limit}"
