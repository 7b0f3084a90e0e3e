"""How many documents a minute are taken in, against the stand-ins: python bench/ingest.py

Documents of one to a few chunks, every one embedded and written; then the same again, where nothing has
changed. The stand-ins are other processes on the same machine and take their share of it: CPU of this process
is told beside the rate.
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contract.runtime_settings import RuntimeSettings
from rehearsal import clients, standins
from rehearsal.processes import Processes
from rehearsal.shop.knowledge import documents
from runtime.ingest.opening import open_ingest
from runtime.ingest.run import Report
from runtime.places import Places

DOCUMENTS = 600
LEAST = 1_000  # a minute
REGION = "us-east-1"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, Processes(Path(folder)) as processes:
        more = {"search": ["--corpus"]}
        started = {
            name: standins.start(processes, name, seed=7, speed=3.0, more=more.get(name, ()))
            for name in ("search", standins.BEDROCK)
        }
        urls = {name: next(iter(standins.ready(process).urls.values())) for name, process in started.items()}
        os.environ |= {
            "AWS_ACCESS_KEY_ID": clients.NOBODY,
            "AWS_SECRET_ACCESS_KEY": clients.NOBODY,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": urls[standins.BEDROCK],
        }
        place = Path(folder) / "help"
        _write(place)
        first = _taken(place, urls["search"], "all new")
        again = _taken(place, urls["search"], "nothing changed")
    return 0 if min(first, again) >= LEAST else 1


def _write(place: Path) -> None:
    """Texts of the shop's own documents, put together anew: half short, half of several sections."""
    draw, texts = random.Random(3), documents()
    place.mkdir()
    for number in range(DOCUMENTS):
        some = draw.sample(texts, 2 if number % 2 else 16)
        parts = [f"## {one.title}\n\n{one.text} ({number})\n" for one in some]
        (place / f"{number:05}.md").write_text(f"# Document {number}\n\n" + "\n".join(parts))


def _taken(place: Path, search: str, what: str) -> float:
    cpu = time.process_time()
    report = asyncio.run(_run(place, search))
    cpu = time.process_time() - cpu
    rate = report.documents / report.seconds * 60
    kept = "kept" if rate >= LEAST else "MISSED"
    each_ms = cpu / report.documents * 1e3
    print(
        f"{what}: {report.documents} documents, {report.chunks} chunks in {report.seconds:.1f} s: "
        f"{rate:,.0f} a minute (limit {LEAST:,}: {kept}); {each_ms:.1f} ms CPU a document"
    )
    if report.failures:
        raise RuntimeError(report.failures[0].why)
    return rate


async def _run(place: Path, search: str) -> Report:
    async with open_ingest(
        Places(search=search), RuntimeSettings(), region=REGION, wall=lambda: datetime.now(UTC)
    ) as opened:
        return await opened.run().all(await opened.origin(str(place)))


if __name__ == "__main__":
    sys.exit(main())
