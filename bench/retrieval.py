"""What a retrieval costs beside the same calls made bare: python bench/retrieval.py

Bare: the same clients (aiobotocore, aiohttp, SigV4), the same bodies, answers decoded with the standard
library and nothing done with them. Ours: deadlines, breakers, degradation, checked types, timing, all on. CPU
of this process for one; the stand-ins are other processes.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contract import search
from contract.runtime_settings import DownstreamSettings, RetrievalSettings
from rehearsal import clients, standins
from rehearsal.processes import Processes
from runtime import aws
from runtime.places import Places
from runtime.retrieval.opening import open_retrieval

RUNS, QUESTIONS, AT_ONCE = 5, 60, 6
MOST = 1.25
REGION = "us-east-1"
JSON = {"Content-Type": "application/json"}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, Processes(Path(folder)) as processes:
        more = {"search": ["--corpus"]}
        started = {
            name: standins.start(processes, name, seed=7, speed=3.0, more=more.get(name, ()))
            for name in ("search", standins.BEDROCK, "sagemaker")
        }
        urls = {name: next(iter(standins.ready(process).urls.values())) for name, process in started.items()}
        os.environ |= {
            "AWS_ACCESS_KEY_ID": clients.NOBODY,
            "AWS_SECRET_ACCESS_KEY": clients.NOBODY,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": urls[standins.BEDROCK],
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": urls["sagemaker"],
        }
        return asyncio.run(_measure(Places(search=urls["search"], rerank_endpoint="concierge-dev-rerank")))


async def _measure(places: Places) -> int:
    patient = RetrievalSettings(embed_s=30.0, search_s=30.0, rerank_s=30.0, total_s=60.0)
    async with (
        open_retrieval(places, patient, DownstreamSettings(), region=REGION) as parts,
        aws.client("bedrock-runtime", REGION, max_pool_connections=50) as bedrock,
        aws.client("sagemaker-runtime", REGION, max_pool_connections=50) as sagemaker,
        aiohttp.ClientSession() as session,
    ):
        retrieval = parts.retrieval
        if retrieval is None:
            raise RuntimeError("search has a place")
        keys: Any = await aws.credentials()

        async def ours(question: str) -> None:
            found = await retrieval.find(question)
            if found.degraded or len(found.passages) != patient.kept:
                raise RuntimeError(f"went without {found.lacking}")

        async def bare(question: str) -> None:
            await _bare(question, places, bedrock, sagemaker, session, keys)

        floors, costs = [], []
        for run in range(RUNS):
            floors.append(await _each(bare, run))
            costs.append(await _each(ours, run))
    floor, cost = min(floors), min(costs)
    kept = "kept" if cost / floor <= MOST else "MISSED"
    print(
        f"a retrieval: bare {floor * 1e3:.2f} ms   ours {cost * 1e3:.2f} ms   {cost / floor:.2f}x "
        f"(limit {MOST}: {kept})"
    )
    return 0 if kept == "kept" else 1


async def _bare(
    question: str, places: Places, bedrock: Any, sagemaker: Any, session: aiohttp.ClientSession, keys: Any
) -> None:
    asked = json.dumps({"inputText": question, "dimensions": 1024, "normalize": True})
    said = await bedrock.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=asked)
    vector = json.loads(await said["body"].read())["embedding"]
    narrowed = {"bool": {"filter": [{"term": {"deleted": False}}, {"term": {"tenant": "shop"}}]}}
    near = {"knn": {search.VECTOR: {"vector": vector, "k": 10, "filter": narrowed}}}
    body = json.dumps({"size": 10, "_source": {"excludes": [search.VECTOR]}, "query": near}).encode()
    url = f"{places.search}/{search.index().name}/_search"
    request = AWSRequest(method="POST", url=url, data=body, headers=dict(JSON))
    SigV4Auth(await keys.get_frozen_credentials(), "es", REGION).add_auth(request)
    async with session.post(url, data=body, headers=dict(request.headers.items())) as answer:
        hits = json.loads(await answer.read())["hits"]["hits"]
    texts = [hit["_source"]["text"] for hit in hits]
    ranked = await sagemaker.invoke_endpoint(
        EndpointName=places.rerank_endpoint,
        Body=json.dumps({"query": question, "texts": texts, "truncate": True}),
        ContentType="application/json",
    )
    json.loads(await ranked["Body"].read())


async def _each(call: Callable[[str], Awaitable[None]], run: int) -> float:
    """CPU seconds of one; no two questions are the same."""

    async def worker(first: int) -> None:
        for number in range(first, QUESTIONS, AT_ONCE):
            await call(f"How long may I keep item {run}-{number} before I return it?")

    began = time.process_time()
    await asyncio.gather(*(worker(number) for number in range(AT_ONCE)))
    return (time.process_time() - began) / QUESTIONS


if __name__ == "__main__":
    sys.exit(main())
