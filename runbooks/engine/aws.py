"""The one door to AWS: short timeouts, few retries, every call counted, no change unless it was asked for."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from contract.errors import InconclusiveError

# The SDK's own retries would hide their time behind ours.
_CONFIG = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 1}, tcp_keepalive=True)
# An endpoint that was named is called itself: the shell's proxy knows nothing of a rehearsal.
_DIRECT = _CONFIG.merge(Config(proxies={}))
_ATTEMPTS = 3
_BUSY = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "TooManyUpdates")
_READS = ("get_", "list_", "describe_")
# Known only to the thread of the engine: a check runs in another one and can never change anything.
_may_change: ContextVar[bool] = ContextVar("may_change", default=False)


class AwsError(InconclusiveError):
    """AWS did not do what it was asked."""


@dataclass
class Tally:
    """How many calls were made."""

    reads: int = 0
    writes: int = 0


@dataclass(frozen=True)
class Aws:
    """One region of one account. Threads may share it."""

    session: boto3.Session
    region: str
    endpoint_url: str | None = None
    pause: Callable[[float], None] = time.sleep
    tally: Tally = field(default_factory=Tally)
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, service: str, operation: str, **request: Any) -> Mapping[str, Any]:
        """The answer to a call that changes nothing; AwsError says why there is none."""
        if not operation.startswith(_READS):
            raise ValueError(f"{operation} is no read: a runbook changes things through a step")
        with self._lock:
            self.tally.reads += 1
        return self._made(service, operation, request)

    def write(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        """Makes a change, inside `changing` only."""
        if not _may_change.get():
            raise ValueError(f"{operation} outside a step's apply or undo")
        with self._lock:
            self.tally.writes += 1
        self._made(service, operation, request)

    @staticmethod
    @contextmanager
    def changing() -> Iterator[None]:
        """The engine enters this around a step's apply and undo; nobody else does."""
        token = _may_change.set(True)
        try:
            yield
        finally:
            _may_change.reset(token)

    def _made(self, service: str, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        attempts = Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            retry=retry_if_exception(_may_pass),
            sleep=self.pause,
            reraise=True,
        )
        try:
            answer: Mapping[str, Any] = attempts(getattr(self._client(service), operation), **request)
        except (BotoCoreError, ClientError) as error:
            raise AwsError(f"{service} {operation} in {self.region}: {error}") from error
        return answer

    def _client(self, service: str) -> Any:
        with self._lock:  # making clients is the one thing a session cannot do from two threads
            if service not in self._clients:
                make: Callable[..., Any] = self.session.client
                self._clients[service] = make(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint_url,
                    config=_CONFIG if self.endpoint_url is None else _DIRECT,
                )
            return self._clients[service]


def _may_pass(error: BaseException) -> bool:
    """Whether asking again makes sense."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or status == 429 or error.response["Error"]["Code"].startswith(_BUSY)
    return isinstance(error, (HTTPClientError, NoConnectionError))
