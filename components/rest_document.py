"""The OpenAPI document of the REST API as API Gateway wants it, from `rest_api.yaml`.

Pure data to data: adds to each operation its validation, its authoriser, its key, and the way to the
balancer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

BASE_PATH = "v1"
INTEGRATION_MS = 29_000
AUTHORISER = "users"
KEY = "key"
PING = "/ping"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where requests go: resolved values, not outputs."""

    link_id: str
    balancer_arn: str
    host: str
    secure: bool
    user_pool_arn: str
    scopes: tuple[str, ...]


def document(place: Place) -> dict[str, Any]:
    """The whole document."""
    given = _given()
    return {
        "openapi": given["openapi"],
        "info": given["info"],
        "paths": {
            path: {verb: _operation(path, verb, operation, place) for verb, operation in verbs.items()}
            for path, verbs in given["paths"].items()
        },
        "components": {
            "schemas": given["components"]["schemas"],
            "securitySchemes": {KEY: _KEY, AUTHORISER: _users(place.user_pool_arn)},
        },
        "x-amazon-apigateway-request-validators": {
            "all": {"validateRequestBody": True, "validateRequestParameters": True}
        },
        "x-amazon-apigateway-request-validator": "all",
        "x-amazon-apigateway-gateway-responses": _REFUSALS,
    }


def operations() -> list[tuple[str, str, str]]:
    """(path, verb, what it needs) of every operation."""
    return [
        (path, verb, operation["x-needs"])
        for path, verbs in _given()["paths"].items()
        for verb, operation in verbs.items()
    ]


@cache
def _given() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(
        Path(__file__).with_name("rest_api.yaml").read_text(encoding="utf-8")
    )
    return loaded


def _operation(path: str, verb: str, operation: Mapping[str, Any], place: Place) -> dict[str, Any]:
    if operation["x-needs"] == "nothing":
        return _alive()
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    made: dict[str, Any] = {
        "responses": {"200": {"description": "done"}},
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ],
        "security": _security(operation["x-needs"], place),
        "x-amazon-apigateway-integration": _integration(path, verb, names, place),
    }
    if "body" in operation:
        schema = {"$ref": f"#/components/schemas/{operation['body']}"}
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return made


def _security(needs: str, place: Place) -> list[dict[str, list[str]]]:
    """One entry with two schemes: both have to be met."""
    return [{KEY: [], AUTHORISER: list(place.scopes)} if needs == "user" else {KEY: []}]


def _integration(path: str, verb: str, names: list[str], place: Place) -> dict[str, Any]:
    root = f"https://{place.host}" if place.secure else f"http://{place.host}:443"
    return {
        "type": "http_proxy",
        "httpMethod": verb.upper(),
        "uri": f"{root}/{BASE_PATH}{path}",
        "connectionType": "VPC_LINK",
        "connectionId": place.link_id,
        "integrationTarget": place.balancer_arn,
        "timeoutInMillis": INTEGRATION_MS,
        "requestParameters": {
            **{f"integration.request.path.{name}": f"method.request.path.{name}" for name in names},
            "integration.request.header.X-Request-Id": "context.requestId",
        },
    }


def _alive() -> dict[str, Any]:
    """Answered by the gateway itself, for health checks: open to anybody, tells nothing."""
    return {
        "responses": {"200": {"description": "alive"}},
        "security": [],
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 200}'},
            "responses": {"default": {"statusCode": "200"}},
        },
    }


def _users(pool_arn: str) -> dict[str, Any]:
    return {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [pool_arn]},
    }


_KEY = {"type": "apiKey", "name": "x-api-key", "in": "header"}
# A client that is throttled has to know when to come back (RUN-9).
_REFUSALS = {
    "THROTTLED": {
        "statusCode": 429,
        "responseParameters": {"gatewayresponse.header.Retry-After": "'1'"},
        "responseTemplates": {"application/json": '{"code": "too_many_requests", "retry_after_s": 1}'},
    },
    "BAD_REQUEST_BODY": {
        "statusCode": 400,
        "responseTemplates": {
            "application/json": '{"code": "bad_request", "message": $context.error.messageString}'
        },
    },
}
