"""The connection to Valkey: what it costs while that is dead, and how it comes back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from contract.traffic_settings import ValkeySettings
from runtime.testing import loop
from runtime.valkey import DownError, LateError, RefusedError, Script, Valkey, opened, word
from runtime.valkey.address import AddressError, iam_token, parse
from tests.rehearsal.serving_helpers import fault, http, in_thread
from tests.runtime.valkey_helpers import MemoryValkey, on_the_loops_time

SETTINGS = ValkeySettings(command_s=0.01)


def played(scene: Callable[[MemoryValkey, Valkey, list[bool]], Awaitable[Any]]) -> Any:
    """The scene's result, in virtual time; it gets the server, a client, and what that told."""

    async def main() -> Any:
        server, told = MemoryValkey(), []
        async with server.client(SETTINGS, lambda up, _: told.append(up)) as client:
            return await scene(server, client, told)

    with on_the_loops_time():
        return loop.run(main())


def now() -> float:
    return asyncio.get_running_loop().time()


def test_many_commands_share_one_connection_and_get_their_own_replies():
    async def scene(server, client, _) -> Any:
        await asyncio.gather(*(client.ask("SET", f"key-{n}", n) for n in range(50)))
        return server.connections, await asyncio.gather(*(client.ask("GET", f"key-{n}") for n in range(50)))

    assert played(scene) == (1, [str(n).encode() for n in range(50)])


def test_a_script_goes_whole_only_where_the_server_does_not_know_it():
    script = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")

    async def scene(server, client, _) -> Any:
        before = server.commands
        sums = [await client.run(script, ["sum"], 2) for _ in range(3)]
        return sums, server.commands - before

    assert played(scene) == ([2, 4, 6], 4)


def test_a_silent_server_costs_its_deadline_and_a_given_up_one_nothing():
    async def scene(server, client, told) -> Any:
        server.silent = True
        waited = []
        for _ in range(5):
            before = now()
            with pytest.raises((LateError, DownError)):
                await client.ask("GET", "key")
            waited.append(round(now() - before, 6))
        return waited, told

    waited, told = played(scene)
    assert waited == [0.01, 0.01, 0.01, 0.0, 0.0]
    assert told == [True, False]


def test_one_late_reply_among_good_ones_is_no_reason_to_give_up():
    async def scene(server, client, told) -> Any:
        for _ in range(20):
            server.latency_s = 0.02
            with pytest.raises(LateError):
                await client.ask("GET", "key")
            server.latency_s = 0.0005
            await asyncio.sleep(0.03)
            for _ in range(4):
                await client.ask("GET", "key")
        return told

    assert played(scene) == [True]


def test_a_third_of_replies_late_is_one():
    async def scene(server, client, told) -> Any:
        while client.up:
            server.latency_s = 0.02
            with pytest.raises((LateError, DownError)):
                await client.ask("GET", "key")
            server.latency_s = 0.0005
            await asyncio.sleep(0.03)
            for _ in range(2 if client.up else 0):
                await client.ask("GET", "key")
        return now()

    assert played(scene) < 1.0


def test_a_late_reply_is_not_taken_for_the_next_ones():
    async def scene(server, client, _) -> Any:
        await client.ask("SET", "key", "right")
        server.latency_s = 0.012
        with pytest.raises(LateError):
            await client.ask("PING")
        server.latency_s = 0.005
        return await client.ask("GET", "key")

    assert played(scene) == b"right"


def test_it_comes_back_by_itself_with_nobody_asking():
    async def scene(server, client, told) -> Any:
        server.refuses = True
        with pytest.raises(DownError):
            await client.ask("GET", "key")
        await asyncio.sleep(60)
        assert not client.up
        server.refuses = False
        await asyncio.sleep(SETTINGS.longest_pause_s)
        return client.up, await client.ask("PING"), told

    assert played(scene) == (True, b"PONG", [True, False, False, True])  # two reasons


def test_one_that_connects_but_does_not_answer_is_not_up():
    async def scene(server, client, told) -> Any:
        server.silent = True
        server.latency_s = 0.001
        for _ in range(3):
            with pytest.raises(LateError):
                await client.ask("GET", "key")
        await asyncio.sleep(30)
        return client.up, told

    up, told = played(scene)
    assert not up
    assert told[:1] == [True]
    assert set(told[1:]) == {False}  # it goes, and never comes back


def test_tries_get_rarer():
    async def scene(server, client, _) -> Any:
        server.silent = True
        for _ in range(3):
            with pytest.raises(LateError):
                await client.ask("GET", "key")
        before = server.connections
        await asyncio.sleep(60)
        return server.connections - before

    assert 20 <= played(scene) <= 35  # of each, half the pause at its longest


def test_who_leaves_does_not_disturb_the_others():
    async def scene(_, client, told) -> Any:
        left = asyncio.create_task(client.ask("PING"))
        await asyncio.sleep(0)
        left.cancel()
        return await client.ask("PING"), told

    assert played(scene) == (b"PONG", [True])


def test_an_error_of_the_server_is_told_and_no_outage():
    async def scene(_, client, told) -> Any:
        await client.ask("SET", "text", "x")
        with pytest.raises(RefusedError, match="integer"):
            await client.ask("INCR", "text")
        return client.up

    assert played(scene)


def test_a_server_that_is_a_replica_now_is_left_for_whoever_the_name_leads_to():
    readonly = Script("return redis.error_reply('READONLY You can not write against a read only replica.')")

    async def scene(server, client, told) -> Any:
        with pytest.raises(RefusedError):
            await client.run(readonly, [])
        await asyncio.sleep(1)
        return server.connections, told

    assert played(scene) == (2, [True, False, True])


def test_without_a_url_everything_goes_on_without():
    async def main() -> None:
        async with opened(None, "us-east-1", SETTINGS, lambda *_: None) as store:
            assert not store.up
            with pytest.raises(DownError):
                await store.ask("GET", "key")
            with pytest.raises(DownError):
                await store.run(Script(""), [])

    loop.run(main())


def test_a_server_that_is_away_at_start_is_no_reason_not_to_start():
    async def main() -> list[str]:
        told: list[str] = []
        async with opened(
            "redis://127.0.0.1:1", "us-east-1", SETTINGS, lambda _, why: told.append(why)
        ) as store:
            assert not store.up
        return told

    assert "Connect call failed" in asyncio.run(main())[0]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://there", "must be redis"),
        ("redis://", "must be redis"),
        ("redis://there:many", "no number"),
        ("redis://there/first", "no number"),
        ("rediss://there?iam=group", "a user"),
        ("redis://agent@there?iam=group", "rediss"),
    ],
)
def test_a_url_that_cannot_be_used_says_why(url, says):
    with pytest.raises(AddressError, match=says):
        parse(url)


def test_a_password_is_in_no_text():
    assert "secret" not in repr(parse("rediss://agent:secret@there"))


def test_with_iam_the_password_is_a_request_that_the_role_signed(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
    address = parse("rediss://concierge-dev-agent@cache.example:6379?iam=concierge-dev-cache")

    async def sign() -> str:
        return await iam_token(address, "us-east-1")()

    token = asyncio.run(sign())
    assert token.startswith("concierge-dev-cache/?Action=connect&User=concierge-dev-agent&")
    assert "X-Amz-Expires=900" in token
    assert "us-east-1%2Felasticache%2Faws4_request" in token


def test_keys_tell_nobodys_name():
    assert word("somebody@example.com") != word("somebody@example.org")
    assert "somebody" not in word("somebody@example.com")
    assert len(word("x" * 10_000)) == 32


def test_against_the_stand_in_over_a_socket():
    from rehearsal.cache.__main__ import serving

    async def talk(url: str, control: str) -> list[Any]:
        told: list[bool] = []
        settings = ValkeySettings(command_s=0.5, first_pause_s=0.01, longest_pause_s=0.02)
        async with opened(url, "us-east-1", settings, lambda up, _: told.append(up)) as client:
            await client.ask("SET", "key", b"\x00\r\n\xff")
            said = [await client.ask("GET", "key")]
            change = asyncio.get_running_loop().run_in_executor
            await change(None, http, "POST", f"{control}/_concierge/faults", fault("cache", "unavailable"))
            with pytest.raises(DownError):
                await client.ask("GET", "key")
            await change(None, http, "DELETE", f"{control}/_concierge/faults")
            while not client.up:  # noqa: ASYNC110 - what there is to wait for is the server's
                await asyncio.sleep(0.01)
            return [*said, await client.ask("GET", "key"), told]

    with in_thread(lambda: serving(None)) as served:
        said = asyncio.run(talk(served["urls"]["cache"], served["controls"]["cache"]))
    assert said == [b"\x00\r\n\xff", b"\x00\r\n\xff", [True, False, True]]
