"""What checks may look at: the plan, and AWS through clients that only wait for seconds.

A plan's account is made up; `real` puts the true one into a name before AWS is asked about it.
"""

import json
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from contract.errors import InconclusiveError
from plan.answers import ACCOUNT
from plan.model import Plan, Resource

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

# IAM, Route 53, CloudFront, Budgets and global quotas are asked here, wherever the estate stands.
GLOBAL_REGION = "us-east-1"
PROVIDER = "pulumi:providers:aws"
# What says whose a resource is; the stack sets them on everything (`stacks/estate.py`).
_OWNING_TAGS = ("Project", "Stack")
T = TypeVar("T")


class CannotAskError(InconclusiveError):
    """Nobody can be asked: there are no credentials, or AWS does not accept them."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the plan does not say, and a person may."""

    account: str | None = None
    messages_per_second: float | None = None
    budget_usd: int | None = None


@dataclass(frozen=True)
class Facts:
    """Shared by all checks of one preflight, in several threads."""

    plan: Plan
    session: "boto3.Session"
    wishes: Wishes = Wishes()
    endpoint_url: str | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[Hashable, Any] = field(default_factory=dict)

    @cached_property
    def account(self) -> str:
        """The account the credentials belong to."""
        return str(self.client("sts", GLOBAL_REGION).get_caller_identity()["Account"])

    @property
    def known_account(self) -> str | None:
        """The account, if AWS has been heard of at all."""
        return self.__dict__.get("account")

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Regions of the estate, the primary first."""
        found = {r.region: None for r in self.plan.cloud if r.region}
        first = self.plan.outputs.get("primary_region")
        return tuple(sorted(found, key=lambda name: (name != first, name)))

    @cached_property
    def stands_in(self) -> bool:
        """Whether something other than AWS answers, which knows less than AWS does."""
        host = urlsplit(self.client("sts", GLOBAL_REGION).meta.endpoint_url).hostname or ""
        return ".amazonaws." not in f"{host}."

    @property
    def primary(self) -> str:
        return self.regions[0]

    @property
    def standby(self) -> str | None:
        """The region that takes over, where there is one."""
        name = self.plan.outputs.get("standby_region")
        return str(name) if name else None

    def declared(self, token: str, region: str | None = None) -> tuple[Resource, ...]:
        """Resources of a type (`s3.Bucket`), in one region or in all."""
        return tuple(r for r in self.plan.of_type(token) if region is None or r.region == region)

    def real(self, text: str) -> str:
        """A planned name or ARN with the account it will have."""
        return text.replace(ACCOUNT, self.account) if ACCOUNT in text else text

    @cached_property
    def tags(self) -> Mapping[str, str]:
        """The tags that say a resource is this stack's."""
        given = next(r.inputs["defaultTags"] for r in self.plan.of_type(PROVIDER))
        tags = (json.loads(given) if isinstance(given, str) else given)["tags"]
        return {name: tags[name] for name in _OWNING_TAGS}

    def owns(self, tags: Iterable[Mapping[str, str]] | Mapping[str, str]) -> bool:
        """Whether tags, as AWS lists them, are this stack's."""
        pairs = tags if isinstance(tags, Mapping) else dict(_pair(tag) for tag in tags)
        return all(pairs.get(name) == value for name, value in self.tags.items())

    def client(self, service: str, region: str) -> Any:
        """A client that answers or gives up within seconds; threads may share it."""
        with self._lock:  # making clients is the one thing a session cannot do from two threads
            if (service, region) not in self._clients:
                make: Callable[..., Any] = self.session.client
                self._clients[service, region] = make(
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint_url,
                    config=self._patience,
                )
            return self._clients[service, region]

    @cached_property
    def _patience(self) -> "Config":
        from botocore.config import Config

        few = Config(connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 3})
        # An endpoint that was named is called itself: the shell's proxy knows nothing of a rehearsal.
        return few.merge(Config(proxies={})) if self.endpoint_url else few

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What several checks want to know and one of them asks. Two at the same moment may both ask."""
        if key not in self._known:
            self._known[key] = make()
        found: T = self._known[key]
        return found

    def every(self, service: str, region: str, operation: str, key: str, **request: Any) -> Iterator[Any]:
        """Items under `key` of all pages of a list."""
        for page in self.client(service, region).get_paginator(operation).paginate(**request):
            yield from page.get(key, ())


def _pair(tag: Mapping[str, str]) -> tuple[str, str]:
    """Services cannot agree on how to spell a tag."""
    name, value = (
        tag.get(word) or tag.get(word.lower()) or tag.get(f"Tag{word}") for word in ("Key", "Value")
    )
    return name or "", value or ""


def open_session() -> "boto3.Session":
    """A session with credentials that exist; whether AWS takes them, `verify` says."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session()
        found = session.get_credentials()
    except BotoCoreError as error:
        raise CannotAskError(f"no AWS credentials: {error}; set AWS_PROFILE, or `aws sso login`") from None
    if found is None:
        raise CannotAskError("no AWS credentials: set AWS_PROFILE, or `aws sso login`; nothing was checked")
    return session


def verify(facts: Facts) -> None:
    """Refused credentials end the run in one line, not in a line for every check."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnectionError

    try:
        _ = facts.account
    except (NoConnectionError, HTTPClientError):
        return  # a dead network is told by the checks, each with what it wanted to know
    except (BotoCoreError, ClientError) as error:
        raise CannotAskError(
            f"AWS does not accept the credentials: {error}; renew them with `aws sso login`"
        ) from None
