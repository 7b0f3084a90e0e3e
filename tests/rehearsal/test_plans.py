"""A plan that is kept is as good as a new one, or it is made anew."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from plan import Plan
from rehearsal import plans


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dev: Plan) -> Callable[[], int]:
    """Asks for dev's plan as `rehearsal.plans` knows it; how often it was made so far."""
    made: list[str] = []

    def run(stack: str) -> Plan:
        made.append(stack)
        return dev

    monkeypatch.setattr("plan.run", run)

    def ask() -> int:
        assert plans.kept("dev", tmp_path / "build").stack == "dev"
        return len(made)

    return ask


def test_it_is_made_once_while_nothing_changes(kept: Callable[[], int]) -> None:
    assert [kept(), kept()] == [1, 1]


def test_whatever_file_it_is_made_from_has_changed_it_is_made_anew(
    kept: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build's steps are YAML with another ending."""
    kept()
    for room in ("stacks", "components", "contract", "plan"):
        (tmp_path / room).mkdir()
    monkeypatch.setattr(plans, "_HERE", tmp_path)
    file = tmp_path / "components" / "up.yml"
    counts = []
    for text in ("a", "b", "b"):
        file.write_text(text)
        counts.append(kept())
    assert counts == [2, 3, 3]


def test_a_model_may_have_ended_since_yesterday(
    kept: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept()

    later = Mock(now=lambda _: datetime(2099, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(plans, "datetime", later)
    assert kept() == 2


def test_where_nothing_can_be_written_it_is_made_each_time(kept: Callable[[], int], tmp_path: Path) -> None:
    (tmp_path / "build").write_text("a file, and no folder")
    assert [kept(), kept()] == [1, 2]
