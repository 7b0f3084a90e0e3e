"""The Locust file as people run it: a process of its own, against a real server, down to its exit code."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.errors import DONE, FAILED, INCONCLUSIVE, WRONG_USE
from contract.tiers import Tier
from loadtests import arrivals, scenario
from loadtests.samples import Sample, read, summary
from tests.loadtests.chat_server_helpers import chat_server, refused

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = """
name = "short"
users = 40
mix = {{ browse = 0.5, track = 0.5 }}
think = 0.05
gates = {{ failed = "rate <= 1%", sequence_gaps = "count == 0" }}
lag_limit_ms = {lag_limit_ms}
stages = [{{ for_s = 1, from_rate = 10, rate = 30 }}, {{ for_s = 0.5, rate = 40 }}]
"""


@dataclass(frozen=True)
class Run:
    """A finished Locust process."""

    exit_code: int
    output: str
    samples: tuple[Sample, ...]
    story: Path


def locust(folder: Path, *options: str, lag_limit_ms: float = 5_000) -> Run:
    """Runs `locust -f loadtests/prime_day.py --headless`; a test may meet a busy machine, hence the limit."""
    folder.mkdir()
    story, lines = folder / "short.toml", folder / "samples.jsonl"
    story.write_text(SCENARIO.format(lag_limit_ms=lag_limit_ms))
    program = [sys.executable, "-m", "locust", "-f", "loadtests/prime_day.py", "--headless", "--only-summary"]
    given = ["--scenario", str(story), "--samples", str(lines), "--arrival-seed", "7", *options]
    done = subprocess.run(
        [*program, *given],
        check=False,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Run(done.returncode, done.stdout + done.stderr, read(lines) if lines.exists() else (), story)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """Every run that these tests look at, two at a time: each is mostly waiting."""
    folder = tmp_path_factory.mktemp("locust")
    with chat_server() as good, chat_server(refused) as broken, ThreadPoolExecutor(2) as pool:
        with chat_server() as gone:
            pass
        started = {
            "good": pool.submit(locust, folder / "good", "--host", good),
            "refused": pool.submit(locust, folder / "refused", "--host", broken),
            "late": pool.submit(locust, folder / "late", "--host", good, lag_limit_ms=0.001),
            "nobody": pool.submit(locust, folder / "nobody", "--host", gone),
            "mistaken": pool.submit(locust, folder / "mistaken", "--host", good, "--scenario", "prime-dya"),
            "full": pool.submit(locust, folder / "full", "--host", good, "--samples", "/dev/full"),
        }
        yield {name: run.result() for name, run in started.items()}


def test_it_ends_by_itself_and_passes(runs: dict[str, Run]):
    assert runs["good"].exit_code == DONE, runs["good"].output
    assert "verdict: passed" in runs["good"].output


def test_every_message_of_the_schedule_has_one_sample(runs: dict[str, Run]):
    story = scenario.load(str(runs["good"].story))
    planned = list(arrivals.schedule(story, story.people, 7))
    found = sorted(runs["good"].samples, key=lambda sample: sample.intended_at)
    assert [int(sample.request_id.rpartition("-")[2]) for sample in found] == [
        arrival.number for arrival in planned
    ]
    begin = found[0].intended_at - planned[0].at_s
    assert [sample.intended_at - begin for sample in found] == pytest.approx(
        [arrival.at_s for arrival in planned], abs=1e-5
    )


def test_the_samples_say_who_answered(runs: dict[str, Run]):
    found = summary(runs["good"].samples)
    assert set(found.tiers) == {Tier.T0, Tier.T1}
    assert (found.failed_share, found.sequence_gaps, found.ended_twice) == (0, 0, 0)


def test_messages_that_fail_are_counted_and_leave_no_traceback(runs: dict[str, Run]):
    run = runs["refused"]
    assert run.exit_code == FAILED
    assert "verdict: failed; failed rate <= 1%: 100.00%" in run.output
    assert "internal: out of order" in run.output
    assert "Traceback" not in run.output
    assert {sample.error for sample in run.samples} == {"internal: out of order"}


def test_a_generator_that_was_late_is_no_measurement(runs: dict[str, Run]):
    assert runs["late"].exit_code == INCONCLUSIVE
    assert "verdict: invalid; the generator itself was late" in runs["late"].output


def test_nobody_there_is_one_line_before_anything_starts(runs: dict[str, Run]):
    run = runs["nobody"]
    assert run.exit_code == INCONCLUSIVE
    told = [line for line in run.output.splitlines() if "Starting Locust" not in line]
    assert len(told) == 1, run.output
    assert told[0].startswith("prime_day: ws://127.0.0.1:")
    assert told[0].endswith("Connection refused: start the runtime, or say where it is with --host")


def test_samples_that_cannot_be_written_any_more_are_no_measurement(runs: dict[str, Run]):
    run = runs["full"]
    assert run.exit_code == INCONCLUSIVE, run.output
    told = [line for line in run.output.splitlines() if "/dev/full" in line]
    lost = "samples /dev/full: cannot be written any more: No space left on device: make room, then run again"
    assert len(told) == 1
    assert lost in told[0]
    assert "verdict: passed" not in run.output
    assert "Traceback" not in run.output


def test_a_mistake_is_one_line_before_anything_starts(runs: dict[str, Run]):
    run = runs["mistaken"]
    assert run.exit_code == WRONG_USE
    told = [line for line in run.output.splitlines() if "Starting Locust" not in line]
    assert len(told) == 1
    assert told[0].startswith("prime_day: scenario 'prime-dya': there is no such file; name one of ")


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("loadtests.prime_day", {"boto3", "botocore", "aiobotocore", "pulumi"}),
        ("loadtests.samples", {"locust", "gevent", "websocket"}),
        ("loadtests.verdict", {"locust", "gevent", "websocket"}),
        ("loadtests.arrivals", {"locust", "gevent", "websocket"}),
    ],
)
def test_what_a_module_brings_along(module: str, without: set[str]):
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert loaded & ours == {"contract", "loadtests"}
    assert not loaded & without
