"""SageMaker's runtime as an HTTP application: InvokeEndpoint, its errors, and the scaling of the stand-in."""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Collection, Mapping
from random import Random
from typing import Any
from uuid import UUID

from aiohttp import web

from contract.faults import Fault, FaultKind
from rehearsal import fault_api
from rehearsal.clock import Clock
from rehearsal.faults import Faults, Struck
from rehearsal.sagemaker import KINDS, models
from rehearsal.sagemaker.instances import FullError, Instances, TooSlowError, kinds

ENDPOINTS_PATH = "/_concierge/endpoints"
USUAL = tuple(f"concierge-dev-{kind}" for kind in KINDS)
_VARIANT = "main"
_LARGEST_BODY = 25 * 1024 * 1024
_TIMES = 500  # of the last calls, for whoever looks every moment
_HANG_S, _SLOW_S, _SATURATED_TIMES = 3_600.0, 5.0, 10.0
# kind of fault -> (status, code, message)
_REFUSALS = {
    FaultKind.THROTTLE: (400, "ThrottlingException", "Rate exceeded"),
    FaultKind.NOT_READY: (429, "ModelNotReadyException", "The model is being loaded."),
    FaultKind.ERROR: (500, "InternalFailure", "An internal failure occurred."),
    FaultKind.UNAVAILABLE: (503, "ServiceUnavailable", "The service is unavailable. Try your call again."),
    FaultKind.INVALID: (400, "ValidationError", "The request is not valid."),
}
_KINDS = (
    FaultKind.RESET,
    FaultKind.HANG,
    *_REFUSALS,
    FaultKind.MODEL_ERROR,
    FaultKind.SLOW,
    FaultKind.COLD,
    FaultKind.SATURATED,
)


class SageMaker:
    """One account's endpoints; an endpoint's kind is the one its name ends with or contains."""

    def __init__(self, *, seed: int = 0, speed: float = 1.0, endpoints: Collection[str] = USUAL) -> None:
        self._clock = Clock(speed)
        self._random = Random(f"{seed}/sagemaker")  # noqa: S311 - repeatable, not secret
        self._kinds = {name: kind_of(name) for name in endpoints}
        self._instances = {
            name: Instances(kinds()[kind], self._clock, f"{seed}/{name}")
            for name, kind in self._kinds.items()
        }
        self._counts = {name: Counter(calls=0, failed=0, refused=0) for name in endpoints}
        self._times = {name: deque[float](maxlen=_TIMES) for name in endpoints}
        values = {"model": tuple(kinds()), "route": tuple(endpoints), "customer": ()}
        self._faults = Faults("sagemaker", _KINDS, values)

    def app(self) -> web.Application:
        """What to serve."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.add_routes(
            [
                web.post("/endpoints/{name}/invocations", self._counted),
                web.get(ENDPOINTS_PATH, self._show),
                web.put(f"{ENDPOINTS_PATH}/{{name}}", self._scale),
                *fault_api.routes(self._faults),
            ]
        )
        return app

    async def _counted(self, request: web.Request) -> web.Response:
        """What AWS would publish of a call: how it ended, and how long it took."""
        name, began, status = request.match_info["name"], time.monotonic(), 500
        try:
            answer = await self._invoke(request)
            status = answer.status
            return answer
        finally:
            if name in self._counts:
                self._counts[name]["calls"] += 1
                self._counts[name]["failed"] += status >= 500
                self._counts[name]["refused"] += 400 <= status < 500
                self._times[name].append(round((time.monotonic() - began) * 1_000, 3))

    async def _invoke(self, request: web.Request) -> web.Response:
        name, request_id = request.match_info["name"], str(UUID(int=self._random.getrandbits(128), version=4))
        if name not in self._kinds:
            return _refused(
                request_id, 400, "ValidationError", f"Endpoint {name} of account 123456789012 not found."
            )
        kind, body = self._kinds[name], await request.read()
        customer = request.headers.get("X-Amzn-SageMaker-Custom-Attributes", "")
        struck = self._faults.strike(_KINDS, {"model": kind, "route": name, "customer": customer})
        if (refusal := await self._suffer(request, struck, request_id, name)) is not None:
            return refusal
        try:
            query, texts = models.parse(kind, body)
            async with self._instances[name].work(len(texts), _cold(struck), _times(struck)):
                said = await asyncio.to_thread(models.answer, kind, query, texts)
        except models.UnreadableError as wrong:
            return _model_error(request_id, name, 400, str(wrong))
        except FullError:
            return _refused(request_id, *_REFUSALS[FaultKind.UNAVAILABLE])
        except TooSlowError:
            return _model_error(
                request_id, name, 0, "Your invocation timed out while waiting for a response."
            )
        headers = {"x-amzn-RequestId": request_id, "x-Amzn-Invoked-Production-Variant": _VARIANT}
        return web.json_response(said, headers=headers)

    async def _suffer(
        self, request: web.Request, struck: Struck, request_id: str, name: str
    ) -> web.Response | None:
        """The faults that answer in the model's place."""
        if slow := struck.get(FaultKind.SLOW):
            await self._clock.sleep(slow.measure(_SLOW_S))
        if hang := struck.get(FaultKind.HANG):
            await self._clock.sleep(hang.measure(_HANG_S))
        if FaultKind.HANG in struck or FaultKind.RESET in struck:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        for kind, refusal in _REFUSALS.items():
            if kind in struck:
                return _refused(request_id, *refusal)
        if failed := struck.get(FaultKind.MODEL_ERROR):
            return _model_error(request_id, name, round(failed.measure(500)), "internal error")
        return None

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                name: {
                    "kind": self._kinds[name],
                    "instances": len(instances.machines),
                    "warm": sum(machine.warm for machine in instances.machines),
                    "busy": sum(machine.busy for machine in instances.machines),
                    "waiting": instances.waiting,
                    **self._counts[name],
                    "times_ms": list(self._times[name]),
                }
                for name, instances in self._instances.items()
            }
        )

    async def _scale(self, request: web.Request) -> web.Response:
        """`{"instances": 3}`: as UpdateEndpointWeightsAndCapacities would; what is new is cold.

        `"warm": true`: as they would be a while later.
        """
        name, asked = request.match_info["name"], await request.json()
        count = asked.get("instances")
        if name not in self._instances or not isinstance(count, int) or not 1 <= count <= 100:
            message = f"give instances from 1 to 100 for one of {', '.join(self._instances)}"
            return web.json_response({"message": message}, status=400)
        self._instances[name].scale(count, warm=asked.get("warm") is True)
        return web.Response(status=204)


def kind_of(name: str) -> str:
    """What an endpoint does, by its name; ValueError when the name does not say."""
    found = [kind for kind in kinds() if kind in name]
    if len(found) != 1:
        raise ValueError(f"endpoint {name!r}: its name must contain one of {', '.join(kinds())}")
    return found[0]


def _cold(struck: Mapping[FaultKind, Fault]) -> float | None:
    cold = struck.get(FaultKind.COLD)
    return cold.measure(max(kind.cold_s for kind in kinds().values())) if cold else None


def _times(struck: Mapping[FaultKind, Fault]) -> float:
    saturated = struck.get(FaultKind.SATURATED)
    return saturated.measure(_SATURATED_TIMES) if saturated else 1.0


def _refused(request_id: str, status: int, code: str, message: str, **more: Any) -> web.Response:
    return web.Response(
        body=json.dumps({"Message": message, **more}).encode(),
        status=status,
        content_type="application/json",
        headers={"x-amzn-RequestId": request_id, "x-amzn-ErrorType": code},
    )


def _model_error(request_id: str, name: str, original: int, message: str) -> web.Response:
    """The container has failed; its log is where it always is."""
    log = f"arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/{name}"
    text = f'Received server error ({original}) from {_VARIANT} with message "{message}". See {log}.'
    more = {"OriginalStatusCode": original, "OriginalMessage": message, "LogStreamArn": log}
    return _refused(request_id, 424, "ModelError", text, **more)
