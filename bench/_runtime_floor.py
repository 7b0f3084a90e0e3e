"""The floor of bench/runtime.py: what answering a message cannot do without, and nothing else.

The same downstream calls as the agent makes for the same question, by the same clients, their answers
decoded; frames are plain JSON. No check, no deadline, no breaker, no metric, no log, no type.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from contract import search
from contract.people import Person
from contract.runtime_settings import RuntimeSettings
from runtime import aws, prompts
from runtime.caches.vectors import pack
from runtime.limits.shared import Wanted, take
from runtime.places import Places
from runtime.sessions import wire
from runtime.valkey import Store
from runtime.valkey import opened as open_valkey

# Of one message: look into the cache, put the answer down, learn the question. Similar ones are known here.
CACHE_COMMANDS = 3


class Floor:
    """Every client, open."""

    def __init__(self, places: Places, settings: RuntimeSettings, region: str) -> None:
        self._places, self._settings, self._region = places, settings, region
        self._buckets = (
            Wanted("user:floor", settings.rates.model_calls),
            Wanted("models", settings.rates.model_calls, needed=False),
        )

    async def open(self, stack: AsyncExitStack) -> None:
        pool = {"max_pool_connections": 256, "retries": {"mode": "standard", "total_max_attempts": 1}}

        async def client(service: str) -> Any:
            return await stack.enter_async_context(aws.client(service, self._region, **pool))

        self._models = await client("bedrock-runtime")
        self._endpoints = await client("sagemaker-runtime")
        self._tables = await client("dynamodb")
        self._http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        self._keys = await aws.credentials()

        def changed(up: bool, why: str) -> None:
            del up, why

        patient = self._settings.valkey.model_copy(update={"command_s": 1.0})  # it can do without no answer
        self._store: Store = await stack.enter_async_context(
            open_valkey(self._places.cache, self._region, patient, changed)
        )

    async def socket(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        async for message in ws:
            await self._answer(ws, json.loads(message.data))
        return ws

    async def _answer(self, ws: web.WebSocketResponse, ask: dict[str, Any]) -> None:
        number, session = 0, str(uuid4())

        async def send(kind: str, **more: Any) -> None:
            nonlocal number
            frame = {"request_id": ask["request_id"], "sequence_number": number, "type": kind, **more}
            number += 1
            await ws.send_str(json.dumps(frame))

        await send("start", session_id=session, protocol_version=3)
        await take(self._store, self._buckets)
        passages = asyncio.create_task(self._passages(ask["text"]))
        await self._tables.query(
            TableName=self._places.sessions_table,
            KeyConditionExpression="shard = :shard",
            ExpressionAttributeValues={":shard": {"S": wire.shard(session)}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=13,
        )
        await self._endpoint("intent", {"inputs": [ask["text"]]})
        await take(self._store, self._buckets)
        products = await self._products(ask["text"])
        found = await passages
        text = await self._model(ask["text"], json.dumps(products) + json.dumps(found), send)
        for _ in range(CACHE_COMMANDS - 1):
            await take(self._store, self._buckets)
        usage = {"input_tokens": 1, "output_tokens": 1, "usd": 0.0}
        await send("final", text=text, tier="T0", rung="sonnet", usage=usage)
        await self._keep(session, ask, text)

    async def _endpoint(self, what: str, body: dict[str, Any]) -> Any:
        said = await self._endpoints.invoke_endpoint(
            EndpointName=f"concierge-dev-{what}", Body=json.dumps(body), ContentType="application/json"
        )
        return json.loads(await said["Body"].read())

    async def _passages(self, text: str) -> Any:
        embedder = search.embedders()[search.index().embedder]
        said = await self._models.invoke_model(
            modelId=embedder.id,
            body=json.dumps({"inputText": text, "dimensions": embedder.dims, "normalize": True}),
            contentType="application/json",
            accept="application/json",
        )
        vector = json.loads(await said["body"].read())["embedding"]
        pack(vector)
        filters = [{"term": {"tenant": "shop"}}, {"term": {"deleted": False}}, {"term": {"language": "en"}}]
        knn = {"vector": vector, "k": 10, "filter": {"bool": {"filter": filters}}}
        body = json.dumps(
            {"size": 10, "query": {"knn": {"vector": knn}}, "_source": {"excludes": ["vector"]}}
        ).encode()
        url = f"{self._places.search}/{search.index().name}/_search"
        request = AWSRequest(method="POST", url=url, data=body, headers={"Content-Type": "application/json"})
        frozen = await self._keys.get_frozen_credentials()
        SigV4Auth(frozen, "es", self._region).add_auth(request)
        async with self._http.post(url, data=body, headers=dict(request.headers.items())) as answer:
            hits = json.loads(await answer.read())["hits"]["hits"]
        texts = [hit["_source"]["text"] for hit in hits]
        ranked = await self._endpoint("rerank", {"query": text, "texts": texts, "truncate": True})
        return [hits[row["index"]]["_source"] for row in ranked[:3]]

    async def _products(self, text: str) -> Any:
        query = {"q": text, "limit": "4"}
        async with self._http.get(f"{self._places.product_search}/v1/search", params=query) as answer:
            products = json.loads(await answer.read())["products"]
        asins = {"asins": [product["asin"] for product in products]}
        async with self._http.post(f"{self._places.pricing}/v1/prices", json=asins) as answer:
            prices = json.loads(await answer.read())
        return {"products": products, "prices": prices}

    async def _model(self, text: str, facts: str, send: Any) -> str:
        response = await self._models.converse_stream(
            modelId="us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            system=[{"text": prompts.system()}],
            messages=[{"role": "user", "content": [{"text": facts}, {"text": text}]}],
            inferenceConfig={"maxTokens": 800},
        )
        said = []
        async for event in response["stream"]:
            if "contentBlockDelta" in event:
                said.append(event["contentBlockDelta"]["delta"]["text"])
                await send("delta", text=said[-1])
        return "".join(said)

    async def _keep(self, session: str, ask: dict[str, Any], text: str) -> None:
        name, key = self._places.sessions_table, {"shard": {"S": wire.shard(session)}}
        person = Person("user", "floor")
        ends = {"N": "2000000000"}
        turn = {"asked": {"S": ask["text"]}, "answered": {"S": text}, "ending": {"S": text}}
        items = [
            {**key, "item": {"S": f"done#{ask['request_id']}"}, "expires_at": ends},
            {**key, "item": {"S": f"turn#{ask['request_id']}"}, "expires_at": ends, **turn},
            {**key, "item": {"S": "~meta"}, "user": {"S": person.id}, "expires_at": ends},
        ]
        await self._tables.transact_write_items(
            TransactItems=[{"Put": {"TableName": name, "Item": item}} for item in items]
        )


async def main() -> None:
    region, stop = os.environ["AWS_REGION"], asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        ssm = await stack.enter_async_context(aws.ssm(region))
        settings = RuntimeSettings.model_validate_json(
            await aws.read_parameter(ssm, os.environ["CONCIERGE_SETTINGS"])
        )
        floor = Floor(Places.read(os.environ), settings, region)
        await floor.open(stack)
        app = web.Application()
        app.router.add_get("/ws", floor.socket)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(json.dumps({"ready": True, "url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
