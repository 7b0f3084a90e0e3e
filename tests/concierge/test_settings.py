"""`concierge settings` shows every knob, and marks what the file changes."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from concierge.app import app
from contract.runtime_settings import LADDER as RUNGS

ROOT = Path(__file__).resolve().parents[2]
_RUNGS = [json.loads(rung.model_dump_json(exclude_none=True)) for rung in RUNGS]
_RUNGS[0]["total_s"] = 15.0
LADDER = "\n".join(
    (
        "config:",
        "  concierge:notices:",
        "    ticket_email: none",
        "  concierge:runtime:",
        "    ladder:",
        *(f"      - {json.dumps(rung)}" for rung in _RUNGS),
        "",
    )
)


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
    assert knobs["concierge:runtime.ladder.3.total_s"] == {
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
    text = LADDER.replace('      - {"name": "haiku",', '      # {"name": "haiku",')
    Path("Pulumi.x.yaml").write_text(text, encoding="utf-8")

    knobs = json.loads(told("--json"))
    names = [rung.name for rung in RUNGS]

    assert knobs["concierge:runtime.ladder"] == {
        "value": ", ".join(name for name in names if name != "haiku"),
        "default": ", ".join(names),
        "changed": True,
    }
    assert "concierge:runtime.ladder.8.name" not in knobs
