"""HTTP connections to what the runtime asks, and the headers that go with every call."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import aiohttp

Headers = Callable[[], Mapping[str, str]]
CONNECT_S = 0.5
IDLE_S = 60.0
CUSTOMER = "x-concierge-customer"

_asking: ContextVar[str] = ContextVar("asking", default="")


@contextmanager
def asking(person: str) -> Iterator[None]:
    """Every call made inside says on whose behalf, also from tasks started inside."""
    token = _asking.set(person)
    try:
        yield
    finally:
        _asking.reset(token)


def on_behalf() -> dict[str, str]:
    """The header that says so; nothing where nobody asks, or by a name no header can carry."""
    person = _asking.get()
    return {CUSTOMER: person} if person.isascii() and person.isprintable() and person else {}


def open_session(connections: int) -> aiohttp.ClientSession:
    """`connections`: to one place. Deadlines are the Downstream's: a second clock would only cost."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=connections, keepalive_timeout=IDLE_S),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
