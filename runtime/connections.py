"""HTTP connections to what the runtime asks, and the headers that go with every call."""

from collections.abc import Callable, Mapping

import aiohttp

Headers = Callable[[], Mapping[str, str]]
CONNECT_S = 0.5
IDLE_S = 60.0


def open_session(connections: int) -> aiohttp.ClientSession:
    """`connections`: to one place. Deadlines are the Downstream's: a second clock would only cost."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=connections, keepalive_timeout=IDLE_S),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
