"""A master and its workers: together they are one process, and with one of them lost they are nothing."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.errors import DONE, INCONCLUSIVE
from loadtests import launch, run, samples
from loadtests.launch import Launch
from loadtests.run import Run
from tests.loadtests.chat_server_helpers import chat_server

ROOT = Path(__file__).resolve().parents[2]
STORY = """
name = "short"
users = 60
mix = { browse = 0.4, track = 0.3, buy = 0.3 }
think = 0.05
lag_limit_ms = 10_000
gates = { failed = "rate <= 1%", sequence_gaps = "count == 0" }
stages = [{ for_s = 4, from_rate = 10, rate = 30 }]
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The same load by one process, and by a master with two workers."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "short.toml").write_text(STORY)
    with chat_server() as host, ThreadPoolExecutor(2) as pool:
        started = {
            name: pool.submit(
                launch.run,
                Launch(
                    scenario=str(folder / "short.toml"),
                    host=host,
                    folder=folder / name,
                    seed=7,
                    workers=workers,
                    samples=True,
                    progress_s=0,
                ),
            )
            for name, workers in (("one", 0), ("three", 2))
        }
        codes = {name: code.result(timeout=90) for name, code in started.items()}
    assert codes == {"one": DONE, "three": DONE}
    yield {name: folder / name for name in started}


def counts(of: Run) -> dict[tuple[str, ...], tuple[int, ...]]:
    """Everything that does not depend on how quick an answer was."""
    found: dict[tuple[str, ...], tuple[int, ...]] = {}
    for key, cell in of.tally.cells.items():
        before = found.get(key[1:], (0, 0, 0, 0))
        now = (cell.messages, cell.failed, cell.first_token.count, cell.end_to_end.count)
        found[key[1:]] = tuple(a + b for a, b in zip(before, now, strict=True))
    return found


def test_merged_they_are_what_one_process_is(runs: dict[str, Path]):
    one, three = (run.read(runs[name]) for name in ("one", "three"))
    assert (one.health.workers, three.health.workers) == (1, 2)
    assert one.planned == three.planned > 50
    assert counts(one) == counts(three)
    assert one.tally.conversations == three.tally.conversations
    assert three.tally.connect.count >= 60


def test_every_message_was_sent_by_exactly_one_of_them(runs: dict[str, Path]):
    numbers = {
        name: sorted(int(s.request_id.rpartition("-")[2]) for s in samples.read(runs[name] / "samples.jsonl"))
        for name in runs
    }
    assert numbers["one"] == numbers["three"]
    assert len(set(numbers["three"])) == len(numbers["three"])


def test_the_tally_of_the_master_is_that_of_its_samples(runs: dict[str, Path]):
    kept = samples.read(runs["three"] / "samples.jsonl")
    merged = run.read(runs["three"]).tally
    assert merged.select().messages == len(kept)
    times = [sample.first_token_ms for sample in kept if sample.first_token_ms is not None]
    assert merged.select().first_token.at(0.5) == pytest.approx(
        sorted(times)[(len(times) + 1) // 2 - 1], rel=0.006
    )


@contextmanager
def program(*options: str, out: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A Locust process of ours that ends with the block."""
    command = [sys.executable, "-m", "locust", "-f", "loadtests/prime_day.py", *options]
    with (out or Path("/dev/null")).open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_killed_worker_makes_the_run_invalid(tmp_path: Path):
    (tmp_path / "long.toml").write_text(STORY.replace("for_s = 4", "for_s = 40"))
    port, results = str(launch._free_port()), tmp_path / "results"
    worker = ("--worker", "--master-host", "127.0.0.1", "--master-port", port)
    with chat_server() as host:
        master = (
            *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--headless"),
            *("--expect-workers", "2", "--only-summary", "--host", host, "--results", str(results)),
            *("--scenario", str(tmp_path / "long.toml"), "--progress", "0"),
        )
        with (
            program(*master, out=tmp_path / "out") as leader,
            program(*worker) as victim,
            program(*worker),
        ):
            until = time.monotonic() + 60
            while not (results / run.BEGAN).exists():
                assert time.monotonic() < until, (tmp_path / "out").read_text()
                time.sleep(0.1)
            victim.send_signal(signal.SIGKILL)
            assert leader.wait(timeout=60) == INCONCLUSIVE
    said = (tmp_path / "out").read_text()
    assert "verdict: invalid; worker " in said
    assert "was lost" in said
    assert json.loads((results / "report.json").read_text())["verdict"] == "invalid"
    assert "invalid" in (results / "report.html").read_text()
