"""The REST API `/v1/...` (NET-4, NET-8): the fallback of chat, and everything that is no conversation.

What it offers stands in `rest_api.yaml`; `rest_document.py` turns that into what API Gateway reads. Requests
are judged here, before they cost anything: shape, token, key, rate. Each client has a key and a usage plan of
its own, so that one client's burst cannot starve another.

Private integration by a VPC link of the second kind, straight to the application balancer. Only CloudFront
should be a caller: a regional API has a public address of its own, so the web ACL before it
(`components/waf.py`) refuses whatever lacks the distribution's secret header, but for `/v1/ping`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import rest_document
from components.alarms import Watch
from components.base import Component
from components.rest_document import BASE_PATH, Place, operations
from contract.alarms import Alarm, Widget, graphs

# `resourcePath` is the pattern, never the URL that was asked for: no query string in a log.
LOGGED = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "ms": "$context.responseLatency",
    "integration_ms": "$context.integration.latency",
    "address": "$context.identity.sourceIp",
    "key": "$context.identity.apiKeyId",
    "waf": "$context.waf.status",
    "authorizer_error": "$context.authorizer.error",
    "error": "$context.error.responseType",
    "trace": "$context.xrayTraceId",
}


@dataclass(frozen=True)
class Rate:
    """Requests a second, and how many at once."""

    per_second: int
    burst: int


@dataclass(frozen=True, kw_only=True)
class RestGatewayArgs:
    """`clients`: name -> rate of its key. `methods` limits each operation, `guest` those that need no token.

    `key_seed`: what keys are made of, the same in every region: after a failover a client's key still works.

    `scopes`: OAuth scopes a token must carry; none: an ID token is asked for, and services cannot call.
    """

    environment: str
    subnet_ids: Sequence[Input[str]]
    link_group_id: Input[str]
    balancer_arn: Input[str]
    host: str
    secure: bool
    user_pool_arn: Input[str]
    scopes: Sequence[str]
    clients: Mapping[str, Rate]
    methods: Rate
    guest: Rate
    key_seed: Input[str]
    log_days: int


class RestGateway(Component):
    """The API, its link into the VPC, its stage, and a key and plan for each client."""

    kind = "edge:RestGateway"
    api_id: Output[str]
    stage_arn: Output[str]
    stage: Output[str]
    endpoint: Output[str]
    keys: Mapping[str, Output[str]]

    def __init__(self, name: str, args: RestGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self._api_name = f"concierge-{args.environment}-rest"
        link = aws.apigatewayv2.VpcLink(
            f"{name}-link",
            name=self._api_name,
            subnet_ids=list(args.subnet_ids),
            security_group_ids=[args.link_group_id],
            # Two may have one name. Else the named one would go first, and the deployment of the API with it,
            # which AWS refuses as long as the stage shows that deployment.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        self._body = self._document(link)
        self._api = self._make_api()
        self._stage = self._publish()
        self._throttle()
        self.keys = {client: self._client(client, rate) for client, rate in args.clients.items()}
        self.api_id = self._api.id
        self.stage_arn = self._stage.arn
        self.stage = self._stage.stage_name
        self.endpoint = self._stage.invoke_url.apply(lambda url: url.removeprefix("https://").split("/")[0])
        self.register_outputs({"api_id": self.api_id})

    def _document(self, link: aws.apigatewayv2.VpcLink) -> Output[str]:
        args = self._args
        found = Output.all(link.id, args.balancer_arn, args.user_pool_arn)

        def write(values: Sequence[str]) -> str:
            place = Place(
                link_id=values[0],
                balancer_arn=values[1],
                host=args.host,
                secure=args.secure,
                user_pool_arn=values[2],
                scopes=tuple(args.scopes),
            )
            return json.dumps(rest_document.document(place), sort_keys=True)

        return found.apply(write)

    def _make_api(self) -> aws.apigateway.RestApi:
        return aws.apigateway.RestApi(
            f"{self.name}-api",
            name=self._api_name,
            description="Chat over REST, tickets, sessions and feedback.",
            endpoint_configuration={"types": "REGIONAL"},
            body=self._body,
            # What the document does not say is removed: nothing stays that somebody added by hand.
            put_rest_api_mode="overwrite",
            fail_on_warnings=True,
            api_key_source="HEADER",
            security_policy="SecurityPolicy_TLS13_1_2_2021_06",
            endpoint_access_mode="BASIC",
            opts=self.child(),
        )

    def _publish(self) -> aws.apigateway.Stage:
        args = self._args
        log = aws.cloudwatch.LogGroup(
            f"{self.name}-access",
            name=f"/concierge/{args.environment}/gateway-rest/access",
            retention_in_days=args.log_days,
            opts=self.child(),
        )
        deployment = aws.apigateway.Deployment(
            f"{self.name}-deployment",
            rest_api=self._api.id,
            description="the document as it is",
            triggers={"document": self._body.apply(lambda text: hashlib.sha256(text.encode()).hexdigest())},
            opts=self.child(),
        )
        return aws.apigateway.Stage(
            f"{self.name}-stage",
            rest_api=self._api.id,
            stage_name=BASE_PATH,
            deployment=deployment.id,
            access_log_settings={"destination_arn": log.arn, "format": json.dumps(LOGGED)},
            xray_tracing_enabled=True,
            opts=self.child(),
        )

    def _throttle(self) -> None:
        args = self._args
        self._settings("every", "*/*", args.methods)
        for path, verb, needs in operations():
            if needs == "anyone":
                part = path.strip("/").replace("/", "-")
                # In a method path the slashes of the resource are written ~1.
                self._settings(part, f"{path.strip('/').replace('/', '~1')}/{verb.upper()}", args.guest)

    def _settings(self, part: str, method_path: str, rate: Rate) -> None:
        aws.apigateway.MethodSettings(
            f"{self.name}-{part}-settings",
            rest_api=self._api.id,
            stage_name=self._stage.stage_name,
            method_path=method_path,
            settings={
                "metrics_enabled": True,
                "logging_level": "ERROR",
                # Tracing data would write what people say into a log.
                "data_trace_enabled": False,
                "throttling_rate_limit": rate.per_second,
                "throttling_burst_limit": rate.burst,
            },
            opts=self.child(),
        )

    def _client(self, client: str, rate: Rate) -> Output[str]:
        value = Output.secret(self._args.key_seed).apply(lambda seed: _key(seed, client))
        key = aws.apigateway.ApiKey(
            f"{self.name}-{client}-key",
            name=f"{self._api_name}-{client}",
            value=value,
            description="Tells this client apart; no proof of who calls.",
            opts=self.child(),
        )
        usage_plan = aws.apigateway.UsagePlan(
            f"{self.name}-{client}-plan",
            name=f"{self._api_name}-{client}",
            api_stages=[{"api_id": self._api.id, "stage": self._stage.stage_name}],
            throttle_settings={"rate_limit": rate.per_second, "burst_limit": rate.burst},
            opts=self.child(),
        )
        aws.apigateway.UsagePlanKey(
            f"{self.name}-{client}-plan-key",
            key_id=key.id,
            key_type="API_KEY",
            usage_plan_id=usage_plan.id,
            opts=self.child(),
        )
        return value

    def alarms(self) -> list[Watch]:
        by_stage = {"ApiName": self._api_name, "Stage": BASE_PATH}
        common: dict[str, Any] = {
            "namespace": "AWS/ApiGateway",
            "dimensions": by_stage,
            "missing": "notBreaching",
        }
        return [
            Watch(
                Alarm(
                    id="rest-5xx",
                    metric="5XXError",
                    statistic="Average",
                    threshold=0.01,
                    datapoints=3,
                    of=5,
                    severity="page",
                    impact="More than 1 % of REST requests fail; clients without WebSocket get no answer.",
                    runbook="connection-drops",
                    **common,
                )
            ),
            Watch(
                Alarm(
                    id="rest-4xx",
                    metric="4XXError",
                    statistic="Average",
                    threshold=0.25,
                    datapoints=5,
                    of=5,
                    severity="ticket",
                    impact="A quarter of REST requests is refused: broken clients, or an attack.",
                    runbook="waf-blocks",
                    **common,
                )
            ),
            Watch(
                Alarm(
                    id="rest-slow",
                    metric="IntegrationLatency",
                    statistic="p95",
                    threshold=8_000,
                    datapoints=3,
                    of=5,
                    severity="page",
                    impact="Answers over REST take longer than 8 seconds for one request in twenty.",
                    runbook="bedrock-latency",
                    **common,
                )
            ),
        ]

    def widgets(self) -> list[Widget]:
        return graphs(
            "AWS/ApiGateway",
            {
                "REST requests": ("Count", "Sum"),
                "REST 5xx share": ("5XXError", "Average"),
                "REST service time": ("IntegrationLatency", "p95"),
            },
            {"ApiName": self._api_name, "Stage": BASE_PATH},
        )


def _key(seed: str, client: str) -> str:
    return hashlib.sha256(f"{seed}:{client}".encode()).hexdigest()
