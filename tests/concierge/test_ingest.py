"""`concierge ingest` as people use it: what it says, its exit codes, and what is left when it is killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from concierge.__main__ import run
from contract import search
from rehearsal import serving
from rehearsal.bedrock.server import Bedrock
from rehearsal.search.server import Search
from tests.rehearsal.serving_helpers import in_thread

INDEX = f"{search.index().name}-000001"


@contextmanager
def standing():
    """(the search's own cluster, what a program needs in its environment)."""
    domain, bedrock, index = Search(seed=7, speed=60), Bedrock(speed=60), search.index()
    domain.cluster.templates[index.name] = search.template(index, version="2.19", replicas=0)
    domain.cluster.create(INDEX, {"aliases": {index.name: {"is_write_index": True}}})
    with ExitStack() as stack:
        url = stack.enter_context(in_thread(lambda: serving.serving(domain.app())))
        models = stack.enter_context(in_thread(lambda: serving.serving(bedrock.app())))
        yield (
            domain.cluster,
            {
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "nobody",
                "AWS_SECRET_ACCESS_KEY": "nobody",
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": models,
                "CONCIERGE_SEARCH_URL": url,
            },
        )


@pytest.fixture(scope="module")
def stood():
    with standing() as (cluster, variables):
        yield cluster, variables


@pytest.fixture
def cluster(stood, monkeypatch):
    cluster, variables = stood
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return cluster


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / tmp_path.name / "help"
    (folder / "en").mkdir(parents=True)
    (folder / "en" / "returns.md").write_text("# Returns\n\nBooks within 30 days.\n")
    (folder / "en" / "lamp.html").write_text("<h1>Lamp</h1><p>It is bright.</p>")
    return folder


def live(cluster) -> set[tuple[str, str]]:
    rows = cluster.indices[INDEX].documents.values()
    return {(row["source"], row["text"]) for row in rows if not row["deleted"]}


def test_it_says_what_it_did_and_does_nothing_twice(cluster, place, capsys):
    assert run(["ingest", str(place)]) == 0
    assert "2 new" in capsys.readouterr().out
    assert run(["ingest", str(place), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["documents"], said["chunks_written"], said["failures"]) == ({"unchanged": 2}, 0, [])


def test_a_dry_run_changes_nothing(cluster, place, capsys):
    (place / "en" / "new.md").write_text("# New\n\nNever seen before.\n")
    before = live(cluster)
    assert run(["ingest", str(place), "--dry-run"]) == 0
    assert "would be written" in capsys.readouterr().out
    assert live(cluster) == before


def test_bad_files_are_told_at_the_end_and_the_others_are_taken(cluster, place, capsys):
    (place / "bad.pdf").write_bytes(b"no")
    (place / "notes.txt").write_text("x")
    (place / "good.md").write_text("# Good\n\nA good one.\n")
    assert run(["ingest", str(place)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[-1].startswith("failed: help/bad.pdf: is no PDF that can be read")
    assert any("help/notes.txt" in line for line in out)
    assert any(source == "help/good.md" for source, _ in live(cluster))


def test_labels_that_a_document_does_not_say(cluster, tmp_path):
    (tmp_path / "manual.md").write_text("# Manual\n\nOf a lamp.\n")
    chosen = ["--genre", "manual", "--category", "lamps", "--language", "de", "--tenant", "other"]
    assert run(["ingest", str(tmp_path / "manual.md"), *chosen]) == 0
    (row,) = [row for row in cluster.indices[INDEX].documents.values() if row["source"] == "manual.md"]
    assert [row[name] for name in ("genre", "category", "language", "tenant")] == [
        "manual",
        "lamps",
        "de",
        "other",
    ]


@pytest.mark.parametrize(
    ("place", "without", "code", "said"),
    [
        ("nowhere", "", 2, "is not there: name a file, a folder, or s3://bucket/prefix"),
        ("s3://", "", 2, "names no bucket"),
        (".", "CONCIERGE_SEARCH_URL", 2, "set CONCIERGE_SEARCH_URL"),
        (".", "AWS_REGION", 2, "set AWS_REGION"),
    ],
)
def test_what_keeps_it_from_beginning_is_one_line(cluster, monkeypatch, capsys, place, without, code, said):
    monkeypatch.delenv(without, raising=False)
    assert run(["ingest", place]) == code
    error = capsys.readouterr().err.strip()
    assert said in error
    assert len(error.splitlines()) == 1


# -- Killed --------------------------------------------------------------------------------------------------


def documents(folder: Path) -> Path:
    """Long and short, and one that stands there twice."""
    draw = random.Random(11)
    folder.mkdir()
    for number in range(60):
        lines = [
            f"Line {n} of document {number} says {draw.random()}." for n in range(draw.choice((2, 5, 120)))
        ]
        (folder / f"{number:03}.md").write_text(f"# Document {number}\n\n" + "\n\n".join(lines))
    (folder / "000-copy.md").write_bytes((folder / "000.md").read_bytes())
    return folder


def started(folder: Path, variables: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "concierge", "ingest", str(folder), "--json"],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def whole(cluster) -> dict[str, dict[str, Any]]:
    """Everything that is found, but for when it was written."""
    return {
        name: {key: value for key, value in row.items() if key != "updated"}
        for name, row in cluster.indices[INDEX].documents.items()
        if not row["deleted"]
    }


@pytest.mark.prove
@pytest.mark.long
def test_killed_again_and_again_it_ends_as_if_nothing_had_been(tmp_path):
    folder = documents(tmp_path / "help")
    with standing() as (cluster, variables):
        with started(folder, variables) as process:
            assert process.wait(timeout=300) == 0
        undisturbed = whole(cluster)
    draw, died = random.Random(5), 0
    with standing() as (cluster, variables):
        held = cluster.indices[INDEX].documents
        for _ in range(6):
            until = len(held) + draw.randint(1, 8)
            with started(folder, variables) as process:
                while process.poll() is None and len(held) < until:
                    time.sleep(0.002)
                process.send_signal(signal.SIGKILL)
                process.wait(timeout=60)
            died += len(whole(cluster)) < len(undisturbed)
        with started(folder, variables) as process:
            said = json.loads(process.communicate(timeout=300)[0])
        assert whole(cluster) == undisturbed
        assert died >= 2
        assert said["documents"].get("unchanged", 0) > 0
