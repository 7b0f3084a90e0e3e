"""Every test gets a project of its own, with what every artifact needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artifact.build import Artifact, Order, build
from tests.artifact.wheel_helpers import Project


@pytest.fixture
def made(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.botocore()
    return made


@pytest.fixture
def package(made: Project) -> Callable[..., Artifact]:
    """Builds the project from its folder of wheels."""

    def run(**options: Any) -> Artifact:
        usual = {"target": "agentcore", "root": made.root, "out": made.root / "out", "wheels": made.wheels}
        return build(Order(**{**usual, **options}))

    return run
