"""One run as a command starts it, on a person's machine or in a task: the environment says its places."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from contract import cutover
from contract.cutover import Cutover
from contract.errors import WrongUseError
from contract.runtime_settings import RuntimeSettings
from runtime import aws
from runtime.ingest.opening import open_ingest
from runtime.ingest.run import Report, Tell
from runtime.places import Places


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be done. `usual`: labels of documents that do not say theirs."""

    place: str
    tenant: str = ""
    usual: Mapping[str, str] = field(default_factory=dict)
    dry: bool = False
    delete: bool = True
    most_gone: float | None = None
    settings: RuntimeSettings = field(default_factory=RuntimeSettings)


def take_in(order: Order, tell: Tell) -> Report:
    """ConciergeError says in one line what keeps it from going on."""
    return asyncio.run(_take_in(order, tell))


async def _take_in(order: Order, tell: Tell) -> Report:
    region = os.environ.get("AWS_REGION", "")
    if not region:
        raise WrongUseError("set AWS_REGION: the region of the search and of its embedder")
    ingest = order.settings.ingest.model_copy(update=dict(order.usual))
    settings = order.settings.model_copy(update={"ingest": ingest})
    document = await _cutover(region)
    async with open_ingest(
        Places.read(os.environ),
        settings,
        region=region,
        wall=lambda: datetime.now(UTC),
        cutover=lambda: document,
        tenant=order.tenant,
        dry=order.dry,
    ) as opened:
        origin = await opened.origin(order.place)
        report = await opened.run(tell).all(origin, delete=order.delete, most_gone=order.most_gone)
        if report.chunks and not order.dry:
            await opened.tell_caches()
        return report


async def _cutover(region: str) -> Cutover | None:
    """The document of this environment; none where the environment has no name."""
    environment = os.environ.get("CONCIERGE_ENVIRONMENT", "")
    if not environment:
        return None
    async with aws.ssm(region) as ssm:
        try:
            return cutover.parse(await aws.read_parameter(ssm, cutover.parameter(environment)))
        except aws.MissingError:
            return None
