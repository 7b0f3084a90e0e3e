"""The Valkey stand-in through redis-py: expiry, Lua, and a cache that is down, slow or silent."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from rehearsal.cache import backend
from rehearsal.cache.__main__ import serving
from tests.rehearsal.serving_helpers import fault, http, in_thread

TAKE = """
local left = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
if left < 1 then return -1 end
redis.call('SET', KEYS[1], left - 1, 'PX', ARGV[2])
return left - 1
"""


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, Any]]:
    with in_thread(lambda: serving(None)) as said:
        yield said


@pytest.fixture
def client(served: dict[str, Any]) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(served["urls"]["cache"], socket_timeout=1, decode_responses=True)
    yield client
    client.close()
    http("DELETE", f"{served['controls']['cache']}/_concierge/faults")


def inject(served: dict[str, Any], kind: str, **more: Any) -> None:
    status, said = http(
        "POST", f"{served['controls']['cache']}/_concierge/faults", fault("cache", kind, **more)
    )
    assert status == 201, said


def test_values_expire_by_themselves(client: redis.Redis) -> None:
    client.set("short", "1", px=40)
    assert 0 < client.pttl("short") <= 40
    assert client.get("short") == "1"
    while client.exists("short"):
        assert client.pttl("short") <= 40


def test_a_script_takes_tokens_as_one_step(client: redis.Redis) -> None:
    client.delete("bucket")
    take = client.register_script(TAKE)

    assert [take(keys=["bucket"], args=[2, 60_000]) for _ in range(4)] == [1, 0, -1, -1]
    assert client.ttl("bucket") > 0


def test_pipelines_and_hashes_work(client: redis.Redis) -> None:
    with client.pipeline() as several:
        several.hset("session", mapping={"a": "1", "b": "2"})
        several.expire("session", 60)
        several.hgetall("session")
        assert several.execute()[2] == {"a": "1", "b": "2"}
    assert client.incr("n") == 1


@pytest.mark.parametrize("kind", ["unavailable", "reset"])
def test_a_cache_that_is_down_takes_no_connection(
    client: redis.Redis, served: dict[str, Any], kind: str
) -> None:
    assert client.ping()
    inject(served, kind)

    with pytest.raises(redis.ConnectionError):
        client.get("a")
    http("DELETE", f"{served['controls']['cache']}/_concierge/faults")
    assert client.ping()


def test_a_silent_cache_is_given_up(served: dict[str, Any]) -> None:
    impatient = redis.Redis.from_url(served["urls"]["cache"], socket_timeout=0.05, retry=None)
    inject(served, "hang")

    with pytest.raises(redis.TimeoutError):
        impatient.get("a")
    impatient.close()
    http("DELETE", f"{served['controls']['cache']}/_concierge/faults")


def test_only_part_of_what_is_said_may_fail(client: redis.Redis, served: dict[str, Any]) -> None:
    client.ping()
    inject(served, "slow", magnitude=0.01, rate=0.5, route="command")

    assert [client.set(f"k{n}", n) for n in range(4)] == [True] * 4


def test_a_real_server_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if name == "redis-server" else None)

    assert backend.program() == "/bin/redis-server"
