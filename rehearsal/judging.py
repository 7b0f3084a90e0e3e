"""Asks a model of Bedrock to judge: the rubric as instructions, its opinion as the input of a tool."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from contract.errors import InconclusiveError
from contract.models import models
from plan.files import write_atomic
from rehearsal import clients, serving
from rehearsal.bedrock.server import Bedrock
from runtime import aws
from runtime.eval import judge as judging
from runtime.eval.judge import SCHEMA, Calibration, Judge, Opinion, Sample
from runtime.eval.verdict import Judged

_REGION = "us-east-1"
_TOKENS, _PATIENCE_S = 400, 60.0
TOOL = "verdict"
KEPT = "judge.json"
Tell = Callable[[str], None]


@asynccontextmanager
async def judge(*, real: bool, region: str = _REGION) -> AsyncIterator[Judge]:
    """A model of the caller's account; else of a stand-in, whose verdicts agree with nobody."""
    if real:
        async with _of(region) as found:
            yield found
        return
    async with serving.serving(Bedrock(speed=3).app()) as url:
        with clients.told({"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url, **clients.NOBODYS}):
            async with _of(region) as found:
                yield found


@asynccontextmanager
async def _of(region: str) -> AsyncIterator[Judge]:
    wanted = judging.rubric()
    model = models()[wanted.model].callable_id(region)
    made = aws.client("bedrock-runtime", region, read_timeout=_PATIENCE_S, max_pool_connections=8)
    async with made as client:

        async def ask(question: str) -> Opinion | None:
            try:
                said = await client.converse(
                    modelId=model,
                    system=[{"text": wanted.rubric}],
                    messages=[{"role": "user", "content": [{"text": question}]}],
                    inferenceConfig={"maxTokens": _TOKENS, "temperature": 0.0},
                    toolConfig={
                        "tools": [{"toolSpec": {"name": TOOL, "inputSchema": {"json": SCHEMA}}}],
                        "toolChoice": {"tool": {"name": TOOL}},
                    },
                )
            except (ClientError, BotoCoreError) as refused:
                raise InconclusiveError(f"the judge ({model}) cannot be asked: {refused}") from None
            return _opinion(said)

        yield ask


def _opinion(said: Mapping[str, Any]) -> Opinion | None:
    for block in said["output"]["message"]["content"]:
        if "toolUse" in block:
            try:
                return Opinion.model_validate(block["toolUse"]["input"])
            except ValidationError:
                return None
    return None


def calibrated(samples: Sequence[Sample], folder: Path, *, real: bool) -> Calibration:
    """Beside people, and beside itself the time before; what it says now is kept for the next time."""
    kept = folder / KEPT

    async def play() -> Calibration:
        async with judge(real=real) as asked:
            return await judging.calibrate(asked, samples, _before(kept))

    found = asyncio.run(play())
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(kept, json.dumps(dict(found.opinions)).encode())
    return found


def _before(kept: Path) -> Mapping[str, bool] | None:
    try:
        said = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def judged(found: Sequence[Judged], *, real: bool) -> Mapping[str, Opinion]:
    """Opinions of the answers of a run, by prompt. Only for a judge whose calibration says so."""

    async def play() -> Mapping[str, Opinion]:
        opinions = {}
        async with judge(real=real) as asked:
            for one in found:
                known = judging.known_of(one.prompt, one.answer)
                opinion = await asked(judging.question(one.prompt.text, one.answer.text, known))
                if opinion is not None:
                    opinions[one.prompt.id] = opinion
        return opinions

    return asyncio.run(play())
