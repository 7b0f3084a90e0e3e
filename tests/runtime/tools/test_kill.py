"""The tools service is killed between each write of a tool and its answer: a retry makes it one effect."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest

from tests.runtime.house_helpers import House
from tests.runtime.tools.counter_helpers import SESSION, Counter, Lost, at_counter, customer
from tests.runtime.tools.test_once import CASES, NOTHING, Case, counted
from tests.runtime.tools.test_protocol import client_of, surroundings

pytestmark = [pytest.mark.prove, pytest.mark.long]
SECRET = "a secret of the test house"  # the one that the counter signs confirmations with


@asynccontextmanager
async def service(variables: dict[str, str]) -> AsyncIterator[tuple[str, int]]:
    """Where it serves, and its process, which may be dead at the end."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "runtime", "--host", "127.0.0.1", "--port", "0",
        env=variables, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout is not None
    async for line in program.stdout:
        if (said := json.loads(line)).get("ready"):
            break
    reading = asyncio.create_task(program.stdout.read())
    try:
        yield said["url"], program.pid
    finally:
        if program.returncode is None:
            program.kill()
        await program.wait()
        await reading


async def call(url: str, who: str, case: Case, given: dict[str, Any]) -> Any:
    arguments = {**given, "idempotency_key": "the key"}
    if "word" in arguments:
        arguments["confirmation"] = arguments.pop("word")
    headers = {"X-User": who, "X-Concierge-Session": SESSION}
    async with client_of(url, **headers) as client:
        return await client.call_tool(case.tool, arguments)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tool)
def test_a_service_that_is_killed_between_a_write_and_its_answer(house: House, case: Case):
    async def scene(counter: Counter) -> None:
        lost, urls = Lost(), house.aws.urls
        async with (
            lost.before(urls["aws"]) as tables,
            lost.before(urls["orders"]) as orders,
            lost.before(urls["cards"]) as cards,
        ):
            through = {
                "AWS_ENDPOINT_URL_DYNAMODB": tables,
                "CONCIERGE_ORDERS_URL": orders,
                "CONCIERGE_CARDS_URL": cards,
            }
            variables = surroundings(house, **through, **secret(house))
            for point in range(1, case.points + 1):
                who = customer()
                given = await case.given(counter, who)
                taken, back = await counter.money()
                async with service(variables) as (url, process):
                    lost.arm(point, partial(os.kill, process, signal.SIGKILL))
                    with pytest.raises(BaseException):  # noqa: B017 - the client sees its own error
                        said = await asyncio.wait_for(call(url, who, case, given), 60)
                        raise ConnectionError(said)
                    assert lost.struck
                lost.arm(0)
                async with service(variables) as (url, _):
                    again = await call(url, who, case, given)
                assert not again.is_error, again.content
                assert counted(await counter.has(who)) == {**NOTHING, **case.has}
                after = await counter.money()
                assert after == (round(taken + case.taken, 2), round(back + case.back, 2))

    at_counter(house, scene)


def secret(house: House) -> dict[str, str]:
    """In the secrets manager, as a stack has it: what the service signs with outlives it."""
    import boto3

    client = boto3.client("secretsmanager", endpoint_url=house.aws.urls["aws"], region_name="us-east-1")
    name = "tools-tokens"
    with suppress(client.exceptions.ResourceExistsException):
        client.create_secret(Name=name, SecretString=SECRET)
    return {"CONCIERGE_TOKEN_SECRET": name}
