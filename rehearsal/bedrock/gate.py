"""What every call goes through before it is answered: caller, model, request, faults, capacity.

In Bedrock's order, and with Bedrock's words for no.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from contract.faults import FaultKind
from rehearsal.bedrock import misbehaviour, pace, refusals, streams
from rehearsal.bedrock.account import Account, Target, known
from rehearsal.bedrock.calls import GUARDRAILS, Call, Counts
from rehearsal.bedrock.published import Published
from rehearsal.bedrock.quotas import Pool, Quota, usual
from rehearsal.bedrock.refusals import RefusedError
from rehearsal.clock import Clock
from rehearsal.faults import Faults

ROUTES = ("Converse", "ConverseStream", "InvokeModel", "CountTokens", "ApplyGuardrail")
_HANG_S = 3_600.0
_CONNECTION = (FaultKind.RESET, FaultKind.HANG)
_ANSWERED = (FaultKind.SLOW, *streams.BREAKING, *misbehaviour.KINDS)
_THROTTLED = ("ThrottlingException", "429")
A = TypeVar("A")


class Gate:
    """One account's calls, one after another."""

    def __init__(self, account: Account, clock: Clock, seed: int, published: Published) -> None:
        self.account, self.clock, self._seed, self._published = account, clock, seed, published
        values = {"model": (*known(), GUARDRAILS), "route": ROUTES, "customer": (), "region": ()}
        self.faults = Faults("bedrock", (*_CONNECTION, *refusals.REFUSING, *_ANSWERED), values)
        self.counts = Counts()
        self.pools: dict[str, Pool] = {}
        self._served = 0

    async def handle(
        self,
        request: web.Request,
        route: str,
        read: Callable[[Call, bytes], A],
        work: Callable[[Call, A], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """One call. `read` checks the body and reserves what it needs; `work` answers."""
        self._served += 1
        call = Call.arriving(route, self._seed, self._served, self.clock.now())
        try:
            asked = await self._accept(request, call, read)
        except RefusedError as refusal:
            await self.clock.until(call.arrived, pace.refusal_s(call.random))
            refused = refusal.response(call.request_id)
            self._publish(call, lambda named: self._published.refused(named, refused.status))
            return refused
        if call.broken:
            streams.abort(request)
            return web.Response(status=500)
        with self.counts.open(call):
            try:
                response = await work(call, asked)
            finally:
                call.settle(0, 0)  # unless the work has said what it cost
        took_s = self.clock.now() - call.arrived
        self._publish(
            call,
            lambda named: self._published.answered(named, took_s, call.first_token_s, broken=call.broken),
        )
        return response

    def _publish(self, call: Call, tell: Callable[[str], None]) -> None:
        """A region's metrics are of the calls that were made there, of models."""
        if call.named and call.region in {"", self.account.region}:
            tell(call.named)

    def reserve(self, call: Call, asked: int, max_tokens: int | None) -> None:
        """Takes capacity for the call, or refuses it."""
        if call.target is not None:
            pool = self._pool(call.target)
            call.reserved = pool.reserve(asked, max_tokens)
            call.pool = pool

    def most_output(self, call: Call) -> int:
        """Tokens that the called model writes at most."""
        return self._quota(call.target).most_output if call.target is not None else 0

    async def _accept(self, request: web.Request, call: Call, read: Callable[[Call, bytes], A]) -> A:
        if "Authorization" not in request.headers:
            raise RefusedError("MissingAuthenticationTokenException", "Missing Authentication Token")
        call.region = _signed_for(request.headers["Authorization"])
        body = await request.read()
        if "model" in request.match_info:
            call.named = request.match_info["model"]
            call.target = self.account.target(call.named)
        call.customer = request.headers.get("X-Concierge-Customer", "")
        try:
            asked = read(call, body)
            await self._suffer(call)
        except RefusedError as refusal:
            call.settle(0, 0)
            self.counts.refused(call, throttled=refusal.code in _THROTTLED)
            raise
        return asked

    async def _suffer(self, call: Call) -> None:
        """The faults that keep a call from being answered; the others are kept for its answer."""
        connection = self.faults.strike(_CONNECTION, call.attributes)
        if hang := connection.get(FaultKind.HANG):
            await self.clock.sleep(hang.measure(_HANG_S))
        if connection:
            call.broken = True
            self.counts.refused(call, throttled=False)
            return
        for fault in self.faults.strike(refusals.REFUSING, call.attributes).values():
            model = call.target.model.id if call.target else ""
            raise refusals.asked_for(
                fault, f"arn:aws:bedrock:{self.account.region}::foundation-model/{model}"
            )
        call.struck = self.faults.strike(_ANSWERED, call.attributes)

    def _pool(self, target: Target) -> Pool:
        if target.pool not in self.pools:
            self.pools[target.pool] = Pool(self._quota(target), self.clock.now)
        return self.pools[target.pool]

    def _quota(self, target: Target) -> Quota:
        quota = self.account.quotas.get(target.key, usual()[target.key])
        if target.units is None:
            return quota
        tokens = target.units.units * target.units.tokens_per_minute
        return Quota(requests=None, tokens=tokens, most_output=quota.most_output)


def _signed_for(authorization: str) -> str:
    """The region a call was signed for: one stand-in answers for all of them."""
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return scope[2] if len(scope) > 2 else ""
