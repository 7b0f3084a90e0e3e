"""The real CLI, and each stack deployed once, with what was said and done on the way.

Tests look at it with previews, or work on a copy: what one of them does is nothing to another.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.engine.engine_helpers import Engine, Outcome
from tests.engine.provider_helpers import Operation

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
PAGER = "https://events.pagerduty.example/integration/0f1e2d3c4b5a69788796a5b4c3d2e1f0/enqueue"
# What a stack needs beside its file to be deployed without a warning.
DEPLOYED = {"agent.image_digest": OLD, "identity.callback_urls": ["https://shop.example.com/signed-in"]}
# Enough tasks to take a share of.
MORE: Mapping[str, Mapping[str, Any]] = {"dev": {}, "prod": {"agent.services.rest.minimum": 8}}

MakeEngine = Callable[[str], Engine]


@dataclass
class Rise:
    """A stack from nothing: seen, cut off by a failure, made, made again, looked at."""

    engine: Engine
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        engine, world = self.engine, self.engine.world
        engine.setting(deployed(engine.stack))
        engine.run("config", "set", "--path", "concierge:notices.pager_url", PAGER, "--secret")
        self.preview = self._timed("preview", engine.preview)
        self.after_preview = len(world.log)
        # A subnet: early enough that most of the estate waits for it, late enough that some of it stands.
        world.fails = {next(s.name for s in self.preview.steps if s.type == "aws:ec2/subnet:Subnet")}
        self.cut = engine.up()
        self.after_cut: tuple[Operation, ...] = tuple(world.log)
        world.fails = set()
        self.resumed = self._timed("up", engine.up)
        self.log: tuple[Operation, ...] = tuple(world.log)
        self.again = self._timed("up again", engine.up)
        self.no_changes = engine.preview("--expect-no-changes")
        self.before_refresh = engine.state()
        self.refresh = self._timed("refresh", engine.refresh)
        self.state = engine.state()

    def _timed(self, name: str, step: Callable[[], Outcome]) -> Outcome:
        started = time.monotonic()
        outcome = step()
        self.seconds[name] = round(time.monotonic() - started, 1)
        return outcome


def deployed(stack: str) -> Mapping[str, Any]:
    return {**DEPLOYED, **MORE[stack]}


def texts(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as `plan` takes them."""
    return {key: json.dumps(value) for key, value in settings.items()}


@pytest.fixture(scope="session")
def cli() -> Path:
    """`make engine` finds it or builds it, and leaves these tests out where it cannot be had."""
    path = os.environ.get("CONCIERGE_PULUMI")
    assert path, "run these with `make engine`: it says where the pulumi CLI is (CONCIERGE_PULUMI)"
    return Path(path)


@pytest.fixture(scope="session")
def engines(cli: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeEngine]:
    """Makes engines, each with an empty world, and ends their servers afterwards."""
    made: list[Engine] = []

    def make(stack: str) -> Engine:
        engine = Engine(cli, root, tmp_path_factory.mktemp(stack), stack)
        made.append(engine.__enter__())
        return engine

    yield make
    for engine in made:
        engine.__exit__(None, None, None)


@pytest.fixture(scope="session")
def rises(engines: MakeEngine) -> Callable[[str], Rise]:
    return cache(lambda stack: Rise(engines(stack)))


@pytest.fixture(scope="session", params=["dev", "prod"])
def risen(request: pytest.FixtureRequest, rises: Callable[[str], Rise]) -> Rise:
    """A test that takes this runs once for each stack."""
    return rises(request.param)
