"""The search domain's own door: its REST interface, signed as the operator (SigV4), with short timeouts."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.httpsession import URLLib3Session

from runbooks.engine.aws import AwsError
from runbooks.engine.world import World

# What a check or a step declares for each method it uses.
GET, PUT, POST, DELETE = "search.get", "search.put", "search.post", "search.delete"
DOMAIN = "opensearch.describe_domain"
_TIMEOUT_S = 4.0
_MISSING = 404


def read(world: World, path: str) -> Any:
    """The answer to a GET; what is not there is None."""
    world.aws.declared(GET)
    world.aws.count_read()
    return _sent(world, "GET", path, None)


def change(world: World, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
    """A change, inside a step's apply or undo only."""
    world.aws.declared(f"search.{method.lower()}")
    world.aws.count_write(f"{method} {path}")
    return _sent(world, method, path, body)


def _sent(world: World, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
    url = f"{_place(world)}{path}"
    text = json.dumps(body) if body is not None else None
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = AWSRequest(method=method, url=url, data=text, headers=headers)
    credentials = world.aws.session.get_credentials()
    if credentials is None:
        raise AwsError(f"search {method} {path}: there are no AWS credentials: log in first")
    SigV4Auth(credentials.get_frozen_credentials(), "es", world.aws.region).add_auth(request)
    direct: dict[str, str] | None = {} if world.search_url else None
    session = URLLib3Session(timeout=(1.5, _TIMEOUT_S), proxies=direct)  # type: ignore[arg-type]
    try:
        answer = session.send(request.prepare())
    except (HTTPClientError, BotoCoreError) as error:
        raise AwsError(f"search {method} {path} in {world.aws.region}: {error}") from error
    finally:
        session.close()
    if answer.status_code == _MISSING:
        return None
    if answer.status_code >= 300:
        raise AwsError(f"search {method} {path}: {answer.status_code} {answer.text[:200]}")
    return json.loads(answer.text) if answer.text else {}


def _place(world: World) -> str:
    """Where the domain answers; the stand-in's place when a rehearsal names one."""
    if world.search_url is not None:
        return world.search_url.rstrip("/")
    name = world.named("domains", "search")
    status = world.aws.read("opensearch", "describe_domain", DomainName=name)["DomainStatus"]
    host = status.get("Endpoint") or status.get("Endpoints", {}).get("vpc")
    if not host:
        raise AwsError(f"search domain {name} has no endpoint yet: it is being made or changed")
    return f"https://{host}"
