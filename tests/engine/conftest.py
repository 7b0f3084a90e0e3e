"""The real CLI, and engines with an estate that is up."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.engine_helpers import Engine

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
# What the first `up` has beside the checkout's own settings: an image, and enough tasks to take a share of.
DEPLOYED = {"agent.image_digest": OLD, "agent.services.rest.minimum": 8, "agent.services.rest.maximum": 50}

MakeEngine = Callable[[str], Engine]


@pytest.fixture(scope="session")
def cli() -> Path:
    """`make engine` finds it or builds it, and leaves these tests out where it cannot be had."""
    path = os.environ.get("CONCIERGE_PULUMI")
    assert path, "run these with `make engine`: it says where the pulumi CLI is (CONCIERGE_PULUMI)"
    return Path(path)


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def prod_up(engines: MakeEngine) -> Engine:
    """Prod, deployed. Tests that take this only look at it: previews."""
    engine = engines("prod")
    engine.setting(DEPLOYED)
    outcome = engine.up()
    assert outcome.code == 0, outcome.told
    return engine
