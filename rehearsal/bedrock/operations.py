"""The operations the stand-in offers, each from its body to its answer."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from contract.faults import FaultKind
from contract.models import Embedder, Model
from rehearsal.bedrock import guardrails, misbehaviour, pace, replies, requests, streams, titan
from rehearsal.bedrock.answers import tokens
from rehearsal.bedrock.calls import Call
from rehearsal.bedrock.gate import Gate
from rehearsal.bedrock.guardrail_rules import Guardrail
from rehearsal.bedrock.refusals import RefusedError, invalid

_NO_CHAT = (
    "This action doesn't support the model that you provided. Try again with a supported text or chat model."
)


class ToCount(BaseModel):
    """The input of CountTokens: one of the two."""

    converse: dict[str, Any] | None = None
    invoke: dict[str, str] | None = Field(None, alias="invokeModel")


class Counting(BaseModel):
    """The body of CountTokens."""

    input: ToCount


class Operations:
    """`misbehave`: rates of what a model must not say."""

    def __init__(self, gate: Gate, misbehave: Mapping[FaultKind, float]) -> None:
        self._gate, self._misbehave = gate, misbehave

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/model/{model}/converse", self._converse),
            web.post("/model/{model}/converse-stream", self._converse_stream),
            web.post("/model/{model}/invoke", self._invoke),
            web.post("/model/{model}/count-tokens", self._count_tokens),
            web.post("/guardrail/{guardrail}/version/{version}/apply", self._apply_guardrail),
        ]

    async def _converse_stream(self, request: web.Request) -> web.StreamResponse:
        async def work(call: Call, asked: requests.Conversation) -> web.StreamResponse:
            reply = self._reply(call, asked, streamed=True)
            try:
                return await streams.send(request, call, reply, _beside(asked, reply), self._gate.clock)
            finally:
                call.settle(reply.asked_tokens, reply.answered_tokens)

        return await self._gate.handle(request, "ConverseStream", self._conversation, work)

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        async def work(call: Call, asked: requests.Conversation) -> web.StreamResponse:
            reply = self._reply(call, asked, streamed=False)
            times = pace.pace(call.random, call.counted_as, reply.planned)
            await self._gate.clock.until(call.arrived, times.chunks_s[-1] + streams.late(call))
            call.settle(reply.asked_tokens, reply.answered_tokens)
            said = {
                "output": {"message": reply.message()},
                "stopReason": reply.stop_reason,
                "usage": reply.usage,
                "metrics": {"latencyMs": self._took_ms(call)},
                **_beside(asked, reply),
            }
            return _answer(call, said)

        return await self._gate.handle(request, "Converse", self._conversation, work)

    async def _invoke(self, request: web.Request) -> web.StreamResponse:
        def read(call: Call, body: bytes) -> titan.Asked:
            _require(call, Embedder, "The stand-in invokes embedders only: use Converse for this model.")
            asked = titan.read(body)
            self._gate.reserve(call, tokens(asked.text), 0)
            return asked

        async def work(call: Call, asked: titan.Asked) -> web.StreamResponse:
            said = titan.answer(asked)
            await self._quickly(call, "embed")
            read = said["inputTextTokenCount"]
            call.settle(read, 0)
            headers = {
                "X-Amzn-Bedrock-Input-Token-Count": str(read),
                "X-Amzn-Bedrock-Invocation-Latency": str(self._took_ms(call)),
            }
            return _answer(call, said, headers)

        return await self._gate.handle(request, "InvokeModel", read, work)

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        def read(call: Call, body: bytes) -> int:
            _require(call, Model, "The provided model doesn't support counting tokens.")
            asked = requests.parse(Counting, body).input
            if (asked.converse is None) == (asked.invoke is None):
                raise invalid("Exactly one of converse and invokeModel must be given in input.")
            if asked.converse is None:
                raise invalid("The stand-in counts tokens of input.converse only.")
            return replies.count(requests.parse(requests.Conversation, asked.converse))

        async def work(call: Call, count: int) -> web.StreamResponse:
            await self._quickly(call, "count")
            return _answer(call, {"inputTokens": count})

        return await self._gate.handle(request, "CountTokens", read, work)

    async def _apply_guardrail(self, request: web.Request) -> web.StreamResponse:
        def read(_: Call, body: bytes) -> Mapping[str, Any]:
            named = request.match_info
            rules = self._gate.account.guardrail(named["guardrail"], named["version"])
            return guardrails.apply(rules, requests.parse(guardrails.Application, body))

        async def work(call: Call, said: Mapping[str, Any]) -> web.StreamResponse:
            await self._quickly(call, "guardrail")
            return _answer(call, said)

        return await self._gate.handle(request, "ApplyGuardrail", read, work)

    def _conversation(self, call: Call, body: bytes) -> requests.Conversation:
        model = _chat_model(call)
        asked = requests.conversation(body, prefill=model.prefill)
        call.customer = asked.metadata.get("customer", call.customer)
        self._guardrail(asked)
        most, wanted = self._gate.most_output(call), asked.inference.max_tokens
        if wanted is not None and wanted > most:
            raise invalid(
                f"The maximum tokens you requested exceeds the model limit of {most}. "
                f"Try again with a maximum tokens value that is lower than {most}."
            )
        self._gate.reserve(call, replies.count(asked), wanted)
        return asked

    def _reply(self, call: Call, asked: requests.Conversation, *, streamed: bool) -> replies.Reply:
        guardrail = self._guardrail(asked)
        wrongs = {*misbehaviour.by_rate(call.random, self._misbehave), *(call.struck or {})}
        return replies.reply(call.random, asked, wrongs, guardrail, streamed=streamed)

    def _guardrail(self, asked: requests.Conversation) -> Guardrail | None:
        """A model's operations call it invalid what ApplyGuardrail does not find."""
        if (guarding := asked.guarding) is None:
            return None
        try:
            return self._gate.account.guardrail(guarding.id, guarding.version)
        except RefusedError as missing:
            raise invalid(str(missing)) from None

    async def _quickly(self, call: Call, what: pace.Quick) -> None:
        await self._gate.clock.until(call.arrived, pace.quick_s(call.random, what) + streams.late(call))

    def _took_ms(self, call: Call) -> int:
        return round((self._gate.clock.now() - call.arrived) * 1000)


def _chat_model(call: Call) -> Model:
    if call.target is None or not isinstance(call.target.model, Model):
        raise invalid(_NO_CHAT)
    return call.target.model


def _require(call: Call, kind: type, otherwise: str) -> None:
    if call.target is None or not isinstance(call.target.model, kind):
        raise invalid(otherwise)


def _beside(asked: requests.Conversation, reply: replies.Reply) -> dict[str, Any]:
    """What a call gets back because it asked for it: the trace, the tier and the kind of inference."""
    said = {"trace": reply.trace, "serviceTier": asked.service_tier, "performanceConfig": asked.performance}
    return {name: value for name, value in said.items() if value}


def _answer(call: Call, said: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(said, headers={"x-amzn-RequestId": call.request_id, **(headers or {})})
