"""Every test of this room gets its own estate and its own journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from runbooks.engine import Journal
from tests.runbooks.estate_helpers import Estate


@pytest.fixture
def estate() -> Iterator[Estate]:
    with mock_aws():
        yield Estate()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")
