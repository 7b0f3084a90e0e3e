"""The WebSocket API (NET-4, NET-5): connections end here, each message becomes a request to the chat service.

What nobody can raise: an integration answers within 29 s, a connection lives 2 h and 10 min without a
message, a frame has 32 KB and a message 128 KB. So the service acknowledges a message at once and sends the
answer by the connection's callback URL. What can be raised: 500 new connections a second in an account and
region; an alarm stands at 80 % of what was granted. AWS sets no quota on how many are open and has no
metric of it.

Private integrations of WebSocket APIs take a VPC link of the first kind, to a network balancer. WAF cannot
be attached: the door (`components/functions/door.py`) asks for our distribution's secret header besides the
ticket. Both are identity sources, so that a request without one of them is refused before any code runs.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import gateway_ws_watches
from components.alarms import Watch
from components.base import Component
from components.function import Function, FunctionArgs
from contract.alarms import Widget
from contract.frames import SERVED

STAGE = "ws"
INTEGRATION_MS = 29_000
IDENTITY = (
    "route.request.header.Sec-WebSocket-Protocol",
    "route.request.header.X-Concierge-Origin",
)
# What the chat service learns about a message; the client can set none of it.
TOLD = {
    "integration.request.header.X-Connection-Id": "context.connectionId",
    "integration.request.header.X-Callback-Domain": "context.domainName",
    "integration.request.header.X-User": "context.authorizer.user",
    "integration.request.header.X-User-Kind": "context.authorizer.kind",
    "integration.request.header.X-Protocol-Version": "context.authorizer.protocol",
    "integration.request.header.X-Request-Id": "context.requestId",
}
# No query string, no header: neither ticket nor text can get into a log.
LOGGED = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "connection_id": "$context.connectionId",
    "route": "$context.routeKey",
    "event": "$context.eventType",
    "status": "$context.status",
    "address": "$context.identity.sourceIp",
    "authorizer_error": "$context.authorizer.error",
    "integration_error": "$context.integrationErrorMessage",
    "integration_ms": "$context.integrationLatency",
}


@dataclass(frozen=True, kw_only=True)
class WebSocketGatewayArgs:
    """`host` is the name on the balancer's certificate: no record is needed, the link knows the balancer.

    `origin_digests`: SHA-256 of each secret header value that is accepted. `connections_per_second`: the
    granted quota of new connections. `messages_per_second` and `burst` throttle the whole stage.
    """

    environment: str
    account_id: Input[str]
    balancer_arn: Input[str]
    host: str
    secure: bool
    tickets_table: Input[str]
    tickets_table_arn: Input[str]
    origin_digests: Sequence[Input[str]]
    connections_per_second: int
    messages_per_second: int
    burst: int
    log_days: int
    boundary_arn: Input[str] | None = None


class WebSocketGateway(Component):
    """The API, its door, its three routes and its stage."""

    kind = "edge:WebSocketGateway"
    api_id: Output[str]
    api_arn: Output[str]
    endpoint: Output[str]
    stage: Output[str]
    manage_arn: Output[str]

    def __init__(
        self, name: str, args: WebSocketGatewayArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args = args
        self._api = self._make_api()
        self._door = self._make_door()
        self._link = aws.apigateway.VpcLink(
            f"{name}-link",
            name=f"concierge-{args.environment}-ws",
            description="from the WebSocket API to the network balancer",
            target_arn=args.balancer_arn,
            opts=self.child(),
        )
        routes = [
            self._connect(),
            self._forward("$default", "default", "message"),
            self._forward("$disconnect", "disconnect", "disconnect"),
        ]
        self._stage = self._publish(routes)
        self.api_id = self._api.id
        self.api_arn = self._api.arn
        self.endpoint = self._api.api_endpoint.apply(lambda url: url.removeprefix("wss://"))
        self.stage = self._stage.name
        # What the chat service needs to answer a connection: POST /ws/@connections/{id}.
        self.manage_arn = Output.concat(self._api.execution_arn, f"/{STAGE}/POST/@connections/*")
        self.register_outputs({"api_id": self.api_id})

    def _make_api(self) -> aws.apigatewayv2.Api:
        return aws.apigatewayv2.Api(
            f"{self.name}-api",
            name=f"concierge-{self._args.environment}-ws",
            description="Chat over WebSocket.",
            protocol_type="WEBSOCKET",
            # Every message goes to $default: what it means is the runtime's business.
            route_selection_expression="$request.body.type",
            opts=self.child(),
        )

    def _make_door(self) -> Function:
        args = self._args
        take = {"Effect": "Allow", "Action": ["dynamodb:DeleteItem"], "Resource": args.tickets_table_arn}
        return Function(
            f"{self.name}-door",
            FunctionArgs(
                environment=args.environment,
                part="door",
                description="Checks tickets and protocol versions of new WebSocket connections.",
                account_id=args.account_id,
                variables={
                    "TICKETS": args.tickets_table,
                    "ORIGINS": Output.all(*args.origin_digests).apply(",".join),
                    "SERVED": ",".join(str(version) for version in sorted(SERVED, reverse=True)),
                },
                allow=[take],
                timeout_s=3,
                log_days=args.log_days,
                boundary_arn=args.boundary_arn,
            ),
            self.child(),
        )

    def _connect(self) -> aws.apigatewayv2.Route:
        authorizer = aws.apigatewayv2.Authorizer(
            f"{self.name}-authorizer",
            api_id=self._api.id,
            name="ticket",
            authorizer_type="REQUEST",
            authorizer_uri=self._door.invoke_arn,
            identity_sources=list(IDENTITY),
            opts=self.child(),
        )
        self._permit("authorise", Output.concat("/authorizers/", authorizer.id))
        self._permit("connect", "/*/$connect")
        # The answer has to name the chosen protocol, which a function can and a private integration cannot.
        integration = aws.apigatewayv2.Integration(
            f"{self.name}-connect-integration",
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=self._door.invoke_arn,
            opts=self.child(),
        )
        return aws.apigatewayv2.Route(
            f"{self.name}-connect-route",
            api_id=self._api.id,
            route_key="$connect",
            authorization_type="CUSTOM",
            authorizer_id=authorizer.id,
            target=Output.concat("integrations/", integration.id),
            opts=self.child(),
        )

    def _permit(self, part: str, path: Input[str]) -> None:
        aws.lambda_.Permission(
            f"{self.name}-may-{part}",
            action="lambda:InvokeFunction",
            function=self._door.arn,
            principal="apigateway.amazonaws.com",
            source_arn=Output.concat(self._api.execution_arn, path),
            source_account=self._args.account_id,
            opts=self.child(),
        )

    def _forward(self, key: str, part: str, path: str) -> aws.apigatewayv2.Route:
        scheme = "https" if self._args.secure else "http"
        port = "" if self._args.secure else ":443"
        integration = aws.apigatewayv2.Integration(
            f"{self.name}-{part}-integration",
            api_id=self._api.id,
            integration_type="HTTP_PROXY",
            integration_method="POST",
            integration_uri=f"{scheme}://{self._args.host}{port}/ws/{path}",
            connection_type="VPC_LINK",
            connection_id=self._link.id,
            request_parameters=TOLD,
            timeout_milliseconds=INTEGRATION_MS,
            opts=self.child(),
        )
        return aws.apigatewayv2.Route(
            f"{self.name}-{part}-route",
            api_id=self._api.id,
            route_key=key,
            authorization_type="NONE",  # decided once, when the connection was opened
            target=Output.concat("integrations/", integration.id),
            opts=self.child(),
        )

    def _publish(self, routes: Sequence[aws.apigatewayv2.Route]) -> aws.apigatewayv2.Stage:
        args = self._args
        log = aws.cloudwatch.LogGroup(
            f"{self.name}-access",
            name=f"/concierge/{args.environment}/gateway-ws/access",
            retention_in_days=args.log_days,
            opts=self.child(),
        )
        what = json.dumps([args.host, args.secure, TOLD, IDENTITY], sort_keys=True)
        deployment = aws.apigatewayv2.Deployment(
            f"{self.name}-deployment",
            api_id=self._api.id,
            description="routes and integrations",
            # A deployment is a picture of the API: it has to be taken again when something in it changes.
            triggers={"routes": hashlib.sha256(what.encode()).hexdigest()},
            opts=pulumi.ResourceOptions(parent=self, depends_on=routes),
        )
        return aws.apigatewayv2.Stage(
            f"{self.name}-stage",
            api_id=self._api.id,
            name=STAGE,
            deployment_id=deployment.id,
            access_log_settings={"destination_arn": log.arn, "format": json.dumps(LOGGED)},
            default_route_settings={
                "detailed_metrics_enabled": True,
                # Tracing data would write what people say into a log.
                "data_trace_enabled": False,
                "logging_level": "ERROR",
                "throttling_rate_limit": args.messages_per_second,
                "throttling_burst_limit": args.burst,
            },
            opts=self.child(),
        )

    def alarms(self) -> list[Watch]:
        door = self._door.function_name
        return gateway_ws_watches.watches(self._api.id, STAGE, door, self._args.connections_per_second)

    def widgets(self) -> list[Widget]:
        return gateway_ws_watches.widgets(STAGE)
