"""Settings of the balancers and of the two API gateways (NET-4, NET-5, NET-8)."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from stacks.problems import rule
from stacks.section import Section

LogDays = Literal[1, 3, 7, 14, 30, 60, 90, 180, 365]
# What AWS grants an account and region without asking; every stage shares it.
NEW_CONNECTIONS = 500


class ClientRate(Section):
    """What one client, told apart by its API key, may ask for."""

    per_second: int = Field(50, gt=0, description="requests a second")
    burst: int = Field(100, gt=0, description="requests at once")

    @model_validator(mode="after")
    def _burst_fits(self) -> Self:
        if self.burst < self.per_second:
            raise rule("burst", f"is below per_second: at least {self.per_second}, or the rate is never met")
        return self


class WebSocketSettings(Section):
    """Chat over WebSocket."""

    connections_per_second: int = Field(
        NEW_CONNECTIONS,
        gt=0,
        description="granted quota of new connections in the account and region; an alarm stands at 80 %",
    )
    messages_per_second: int = Field(
        10_000, gt=0, description="messages a second of all connections before the stage throttles"
    )
    burst: int = Field(5_000, gt=0, description="messages at once before the stage throttles")


class RestSettings(Section):
    """Chat over REST, tickets, sessions, feedback."""

    per_second: int = Field(1_000, gt=0, description="requests a second of one operation")
    burst: int = Field(2_000, gt=0, description="requests at once of one operation")
    guest_per_second: int = Field(200, gt=0, description="requests a second of an operation without a token")
    guest_burst: int = Field(400, gt=0, description="requests at once of an operation without a token")
    scopes: tuple[str, ...] = Field(
        (), strict=False, description="OAuth scopes that access tokens must carry; none: ID tokens"
    )
    clients: Mapping[str, ClientRate] = Field(
        {
            "web": ClientRate(per_second=1_000, burst=2_000),
            "app": ClientRate(per_second=1_000, burst=2_000),
            "canary": ClientRate(per_second=1, burst=5),
        },
        description="clients by name, each with an API key and a rate of its own; the canary needs one",
    )
    key_generation: int = Field(1, ge=1, description="raise by one to give every client a new API key")

    @model_validator(mode="after")
    def _guests_fit(self) -> Self:
        if "canary" not in self.clients:
            raise rule("clients", "has no canary: add canary, with per_second: 1 and burst: 5")
        if self.guest_per_second > self.per_second:
            raise rule(
                "guest_per_second",
                f"is above per_second: guests may have at most the {self.per_second} of everybody",
            )
        return self


class Gateway(Section):
    """The ways in: API gateways, and the balancers behind them."""

    websocket: WebSocketSettings = WebSocketSettings()
    rest: RestSettings = RestSettings()
    drain_s: int = Field(
        120, ge=1, le=3_600, description="seconds a leaving task may finish its streams (RUN-20)"
    )
    token_generation: int = Field(
        1, ge=1, description="raise by one to sign resume tokens of guests with a new key"
    )
    log_days: LogDays = Field(90, description="days access logs stay in CloudWatch")
    account_log_role: bool = Field(
        True, description="this stack sets the account's API Gateway log role; one stack in an account does"
    )
