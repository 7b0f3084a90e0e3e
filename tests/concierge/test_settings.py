"""`concierge settings` shows every knob, and marks what the file changes."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from concierge.app import app

ROOT = Path(__file__).resolve().parents[2]
LADDER = """config:
  concierge:notices:
    ticket_email: none
  concierge:runtime:
    ladder:
      - {name: sonnet, tier: T0, model: sonnet, total_s: 15.0}
      - {name: haiku, tier: T1, model: haiku, first_token_s: 5.0, total_s: 10.0, max_tokens: 500}
      - {name: canned, tier: T2}
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What the command prints of a stack whose first rung has another limit."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.x.yaml").write_text(LADDER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["settings", "x", *arguments])
        assert done.exit_code == 0
        return done.stdout

    return run


def test_a_changed_limit_of_a_rung_is_marked_in_json(told):
    knobs = json.loads(told("--json"))

    assert knobs["concierge:runtime.ladder.0.total_s"] == {
        "value": "15.0",
        "default": "20.0",
        "changed": True,
    }
    assert knobs["concierge:runtime.ladder.1.total_s"] == {
        "value": "10.0",
        "default": "10.0",
        "changed": False,
    }
    assert [key for key, knob in knobs.items() if knob["changed"]] == [
        "concierge:runtime.ladder.0.total_s",
        "concierge:notices.ticket_email",
    ]


def test_a_changed_knob_has_a_star(told):
    rows = [line.split() for line in told().splitlines()]
    starred = [row[1] for row in rows if row[:1] == ["*"] and row[1].startswith("concierge:")]

    assert starred == ["concierge:runtime.ladder.0.total_s", "concierge:notices.ticket_email"]


def test_a_shorter_ladder_is_marked_itself(told):
    text = LADDER.replace("      - {name: haiku", "      # {name: haiku")
    Path("Pulumi.x.yaml").write_text(text, encoding="utf-8")

    knobs = json.loads(told("--json"))

    assert knobs["concierge:runtime.ladder"] == {
        "value": "sonnet, canned",
        "default": "sonnet, haiku, canned",
        "changed": True,
    }
    assert "concierge:runtime.ladder.2.name" not in knobs
