"""The one door to AWS: short timeouts, few retries, every call counted and declared, no change unasked."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from contract.errors import InconclusiveError

# The SDK's own retries would hide their time behind ours.
_CONFIG = Config(connect_timeout=1.5, read_timeout=4, retries={"total_max_attempts": 1}, tcp_keepalive=True)
# An endpoint that was named is called itself: the shell's proxy knows nothing of a rehearsal.
_DIRECT = _CONFIG.merge(Config(proxies={}))
_ATTEMPTS = 3
_BUSY = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "TooManyUpdates")
_READS = (
    "get_",
    "list_",
    "describe_",
    "head_",
    "batch_get_",
    "filter_",
    "lookup_",
    "query",
    "receive_message",
)
# Known only to the thread of the engine: a check runs in another one and can never change anything.
_may_change: ContextVar[bool] = ContextVar("may_change", default=False)


class AwsError(InconclusiveError):
    """AWS did not do what it was asked."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


@dataclass
class Tally:
    """How many calls were made."""

    reads: int = 0
    writes: int = 0


@dataclass(frozen=True)
class Aws:
    """One region of one account. Threads may share it.

    `allowed`: the calls a runbook has declared, `service.operation`; any other is refused here, so that what
    is declared is what its IAM policy must allow. None: no runbook is at work.
    """

    session: boto3.Session
    region: str
    endpoint_url: str | None = None
    pause: Callable[[float], None] = time.sleep
    tally: Tally = field(default_factory=Tally)
    allowed: frozenset[str] | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, service: str, operation: str, **request: Any) -> Mapping[str, Any]:
        """The answer to a call that changes nothing; AwsError says why there is none."""
        if not operation.startswith(_READS):
            raise ValueError(f"{operation} is no read: a runbook changes things through a step")
        self._declared(f"{service}.{operation}")
        self.count_read()
        return self._made(service, operation, request)

    def write(self, service: str, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Makes a change, inside `changing` only."""
        self._declared(f"{service}.{operation}")
        self.count_write(operation)
        return self._made(service, operation, request)

    def bookkeeping(self, service: str, operation: str, **request: Any) -> Mapping[str, Any]:
        """The engine's own, for lease and journal: no runbook's business, so neither counted nor declared."""
        return self._made(service, operation, request)

    def count_read(self) -> None:
        with self._lock:
            self.tally.reads += 1

    def count_write(self, operation: str) -> None:
        if not _may_change.get():
            raise ValueError(f"{operation} outside a step's apply or undo")
        with self._lock:
            self.tally.writes += 1

    def for_run(self, allowed: frozenset[str]) -> Self:
        """The same door with calls counted from zero, open for these only."""
        return replace(self, tally=Tally(), allowed=allowed)

    def elsewhere(self, region: str) -> Self:
        """The same account in another region, on the same count."""
        return self if region == self.region else replace(self, region=region)

    def declared(self, call: str) -> None:
        """For doors beside this one (the search domain's own)."""
        self._declared(call)

    @staticmethod
    @contextmanager
    def changing() -> Iterator[None]:
        """The engine enters this around a step's apply and undo; nobody else does."""
        token = _may_change.set(True)
        try:
            yield
        finally:
            _may_change.reset(token)

    def _declared(self, call: str) -> None:
        if self.allowed is not None and call not in self.allowed:
            raise ValueError(f"{call} is not declared: its role would not allow it")

    def _made(self, service: str, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = self.retrying()(getattr(self._client(service), operation), **request)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise AwsError(f"{service} {operation} in {self.region}: {error}", code) from error
        except BotoCoreError as error:
            raise AwsError(f"{service} {operation} in {self.region}: {error}") from error
        return answer

    def retrying(self) -> Retrying:
        """Few attempts, spread: whoever asks at 3 a.m. wants to know soon."""
        return Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            retry=retry_if_exception(_may_pass),
            sleep=self.pause,
            reraise=True,
        )

    def _client(self, service: str) -> Any:
        with self._lock:  # making clients is the one thing a session cannot do from two threads
            key = (service, self.region)
            if key not in self._clients:
                make: Callable[..., Any] = self.session.client
                self._clients[key] = make(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint_url,
                    config=_CONFIG if self.endpoint_url is None else _DIRECT,
                )
            return self._clients[key]


def _may_pass(error: BaseException) -> bool:
    """Whether asking again makes sense. Who has waited for an answer once does not wait for it again."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or status == 429 or error.response["Error"]["Code"].startswith(_BUSY)
    return isinstance(error, (HTTPClientError, NoConnectionError))
