"""The AWS clients of the runtime, and reading one SSM parameter, or a folder of them.

Endpoint URLs may come from the environment (`AWS_ENDPOINT_URL_SSM`): a rehearsal differs in nothing else.
"""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from pydantic import TypeAdapter, ValidationError

from contract.errors import ConciergeError, InconclusiveError, WrongUseError
from runtime.downstream import Downstream, ProviderError, Why
from runtime.tracing import send_along

# aiobotocore loads httpx2 where it finds it (the SDK of MCP brings it): a tenth of a second for nothing.
if not (_loaded := "httpx2" in sys.modules):
    sys.modules["httpx2"] = None  # type: ignore[assignment] # to Python: not there
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

if not _loaded:
    del sys.modules["httpx2"]

T = TypeVar("T")
CONNECT_S = 2.0
CONDITION_FAILED = "ConditionalCheckFailedException"
# Parts of error codes: ThrottlingException, ProvisionedThroughputExceededException, ...
_THROTTLES = ("Throttl", "ThroughputExceeded", "RequestLimitExceeded", "TooManyRequests")
_REFUSED_BY_US = (
    ParamValidationError,
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
)


class ParameterError(WrongUseError):
    """A parameter that is not there, or that we may not read."""


class MissingError(ParameterError):
    """There is no such parameter."""


class UnreachableError(InconclusiveError):
    """SSM gave no answer that says anything about the parameter."""


@cache
def _session() -> AioSession:
    """One for all clients: it keeps the service models it has loaded."""
    return AioSession()


@asynccontextmanager
async def client(service: str, region: str, **config: Any) -> AsyncIterator[Any]:
    """A client, open inside `async with`; each call says for which message it is (RUN-18)."""
    settings = AioConfig(connect_timeout=CONNECT_S, tcp_keepalive=True, **config)
    made: Any = _session().create_client(service, region_name=region, config=settings)
    async with made as opened:
        await _ready_to_connect(opened)
        send_along(opened)
        yield opened


async def _ready_to_connect(opened: Any) -> None:
    """Makes what is needed for TLS now. It would be made with the first call, in a thread: whoever had less
    time than that takes would give it up half made, the next one again, and nobody would ever be answered.
    """
    http = opened._endpoint.http_session
    await http._get_session(http._proxy_config.proxy_url_for(opened.meta.endpoint_url))


def ssm(region: str) -> AbstractAsyncContextManager[Any]:
    """For `read_parameter` and `read_folder`. One repetition: whoever polls asks again anyway."""
    return client("ssm", region, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})


async def read_parameter(ssm_client: Any, name: str) -> str:
    """The value of an SSM parameter; the error says in one line what is wrong."""
    try:
        found = await ssm_client.get_parameter(Name=name)
    except (ClientError, BotoCoreError) as error:
        raise _explained(name, "ssm:GetParameter", error) from error
    return str(found["Parameter"]["Value"])


async def read_secret(region: str, name: str) -> str:
    """The value of a secret; the error says in one line what is wrong."""
    try:
        async with client("secretsmanager", region, read_timeout=3) as secrets:
            found = await secrets.get_secret_value(SecretId=name)
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
        if code in {"ResourceNotFoundException", "AccessDeniedException"}:
            raise ParameterError(
                f"secret {name} cannot be read ({code}): deploy the stack, or allow "
                "secretsmanager:GetSecretValue on it"
            ) from error
        raise UnreachableError(f"secret {name} cannot be read: {error}") from error
    return str(found["SecretString"])


async def read_folder(ssm_client: Any, path: str) -> Mapping[str, str]:
    """Name -> value of every parameter right in a folder; of none, when nobody made it."""
    found: dict[str, str] = {}
    more: dict[str, str] = {}
    while True:
        try:
            page = await ssm_client.get_parameters_by_path(Path=path, **more)
        except (ClientError, BotoCoreError) as error:
            raise _explained(path, "ssm:GetParametersByPath", error) from error
        found |= {str(one["Name"]): str(one["Value"]) for one in page["Parameters"]}
        if not page.get("NextToken"):  # a page may be empty and still not be the last
            return found
        more = {"NextToken": page["NextToken"]}


def _explained(name: str, action: str, error: ClientError | BotoCoreError) -> ConciergeError:
    code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
    if code == "ParameterNotFound":
        return MissingError(f"SSM has no parameter {name}: deploy the stack, or correct the name")
    if code.startswith("AccessDenied"):
        return ParameterError(f"SSM parameter {name} may not be read: allow {action} on it")
    if isinstance(error, NoCredentialsError):
        return ParameterError(f"SSM parameter {name} needs AWS credentials: there are none")
    return UnreachableError(f"SSM parameter {name} cannot be read: {error}")


def provider_error(at: Downstream, error: ClientError | BotoCoreError) -> ProviderError:
    """What an AWS service's refusal or silence means to whoever asked it."""
    if isinstance(error, ClientError):
        code = str(error.response["Error"].get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        why = _why(code, status)
        return at.error(why, code, passing=why is Why.UNAVAILABLE and status != 424)
    if isinstance(error, ReadTimeoutError | ConnectTimeoutError):
        return at.error(Why.TIMEOUT, type(error).__name__)
    if isinstance(error, _REFUSED_BY_US):
        return at.error(Why.REFUSED, type(error).__name__)
    return at.error(Why.UNAVAILABLE, type(error).__name__, passing=isinstance(error, HTTPClientError))


def _why(code: str, status: int) -> Why:
    if any(word in code for word in _THROTTLES) or status == 429:
        return Why.THROTTLED
    return Why.UNAVAILABLE if status >= 500 or status == 424 else Why.REFUSED


def read_body(at: Downstream, reader: TypeAdapter[T], body: bytes) -> T:
    """What a model's container or a service has written into a body."""
    try:
        return reader.validate_json(body, strict=True)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "answer"
        raise at.error(Why.BROKEN, f"{place}: {first['msg']}") from None


async def credentials() -> Any:
    """botocore's, wherever they come from; they renew themselves. None: there are none."""
    return await AioSession().get_credentials()
