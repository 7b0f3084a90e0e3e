"""`concierge size` as a performance engineer and a finance partner meet it; bad input is one line."""

import json
from pathlib import Path

import pytest

from concierge.__main__ import run
from contract.errors import DONE, WRONG_USE
from tests.concierge.interrupt_helpers import INTERRUPTED, interrupted

DAY = ("--rate", "4000", "--event", "prime-day:8:20:5")


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Exit code, what was printed, and what was complained of."""
    monkeypatch.setenv("COLUMNS", "160")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["size", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_demand_of_every_minute(told) -> None:
    code, out, _ = told("demand", *DAY, "--json")
    found = json.loads(out)
    assert code == DONE
    assert found["minutes"] == 1_440
    assert found["summary"]["messages/s"]["peak"] == pytest.approx(4_000 * 5, rel=0.01)
    assert len(found["per_minute"]["sonnet_input_tokens"]) == 1_440
    peak = found["summary"]["messages/s"]
    assert peak["peak_low"] < peak["peak"] < peak["peak_high"]


def test_a_scenario_is_a_profile_too(told) -> None:
    code, out, _ = told("demand", "--scenario", "prime-day", "--rate", "50000", "--json")
    assert code == DONE
    assert json.loads(out)["source"] == "scenario prime-day"


def test_units_say_the_saving_the_terms_and_how_sensitive_it_is(told) -> None:
    code, out, _ = told("units", *DAY)
    assert code == DONE
    assert "SixMonths*" in out
    assert "35.0%" in out
    assert "NOT CHECKED" in out  # nobody takes an assumption for a price
    assert "haiku: no quote, so nobody knows" in out
    assert "event prime-day" in out


def test_a_history_gives_the_weekly_review(told, tmp_path: Path) -> None:
    lines = ["time,messages"]
    lines += [
        f"2026-07-{1 + n // 24:02d}T{n % 24:02d}:00Z,{600_000 + n % 24 * 10_000}" for n in range(24 * 21)
    ]
    history = tmp_path / "history.csv"
    history.write_text("\n".join(lines), encoding="utf-8")
    code, out, _ = told("units", "--traffic", str(history))
    assert code == DONE
    assert "weekly review: no units are held (models.access); the percentile needs " in out


def test_capacity_is_a_patch_that_is_written_whole(told, tmp_path: Path) -> None:
    file = tmp_path / "patch.yaml"
    code, out, err = told("capacity", *DAY, "--sessions", "200000", "--write", str(file))
    assert code == DONE
    assert f"wrote {file}" in err
    text = file.read_text(encoding="utf-8")
    assert "concierge:gateway" in text
    assert text.rstrip() in out.replace("\n\n", "\n") or "messages_per_second" in out
    assert not list(tmp_path.glob(".*"))


def test_a_short_event_is_played(told) -> None:
    arguments = ("--rate", "50", "--sessions", "500", "--hours", "0.02", "--ramp", "0", "--seed", "3")
    code, first, _ = told("simulate", *arguments, "--json")
    assert code == DONE
    _, again, _ = told("simulate", *arguments, "--json")
    assert first == again
    assert json.loads(first)["answered_by"]["sonnet"] > 0.2


CROWD = (
    *("simulate", "--json", "--patched", "--rate", "300", "--sessions", "30000"),
    *("--hours", "0.02", "--ramp", "0.5"),
)


def test_what_is_set_by_hand_stays_under_the_patch(told) -> None:
    turned = ("--set", "agent.services.chat.maximum=200", "--set", "agent.services.chat.minimum=200")
    _, out, _ = told(*CROWD, *turned)
    assert json.loads(out)["tasks"]["first"] == 200


def _fixes(out: str) -> dict[str, str]:
    return {part["part"]: part["fix"] for part in json.loads(out)["bottlenecks"]}


def test_a_fix_is_not_in_force_already_and_fixes_it(told) -> None:
    """The patch lets people in within minutes; these come within half of one."""
    _, out, _ = told(*CROWD)
    fix = _fixes(out)["new connections"]
    assert "500 are in force and do not carry it" in fix
    assert "ask for that quota: New WebSocket connections a second" in fix
    needed = fix.partition("connections_per_second ")[2].partition(";")[0]
    assert int(needed) > 500
    _, out, _ = told(*CROWD, "--set", f"gateway.websocket.connections_per_second={needed}")
    assert "new connections" not in _fixes(out)


def test_a_flash_beyond_the_tasks_names_the_tasks_that_carry_it(told) -> None:
    event = ("simulate", "--json", "--rate", "900", "--sessions", "900", "--hours", "0.02", "--ramp", "0")
    _, out, _ = told(*event)
    fixes = _fixes(out)
    assert fixes["chat tasks"].startswith("agent.services.chat: minimum ")
    assert fixes["messages at a time"] == fixes["chat tasks"]
    knobs = [knob.split() for knob in fixes["chat tasks"].partition(": ")[2].split(", ")]
    turned = [text for name, value in knobs for text in ("--set", f"agent.services.chat.{name}={value}")]
    _, out, _ = told(*event, *turned)
    assert not {"chat tasks", "messages at a time"} & _fixes(out).keys()


def test_a_full_table_asks_for_its_quota(told) -> None:
    turned = [f"agent.services.chat.{knob}=5000" for knob in ("maximum", "minimum")]
    turned.append("gateway.websocket.messages_per_second=90000")
    _, out, _ = told(
        *("simulate", "--json", "--rate", "30000", "--sessions", "3000", "--hours", "0.01", "--ramp", "0"),
        *(text for one in turned for text in ("--set", one)),
    )
    fix = _fixes(out)["table writes"]
    assert fix.startswith("a quota: ")
    assert fix.endswith("DynamoDB writes a second of one on-demand table")


def test_a_primary_that_is_lost_is_no_matter_of_settings(told) -> None:
    _, out, _ = told(
        *("simulate", "--json", "--patched", "--rate", "50", "--sessions", "500"),
        *("--hours", "0.05", "--ramp", "0", "--lose", "zone@1"),
    )
    assert "a replica takes over" in _fixes(out)["valkey"]


@pytest.mark.parametrize("after_s", [2.0, 4.0, 7.0])
def test_ctrl_c_in_a_simulation_is_one_line(after_s: float) -> None:
    load = ("--rate", "4000", "--sessions", "40000", "--hours", "6")
    code, out, err = interrupted(after_s, "size", "simulate", *load)

    assert code in INTERRUPTED
    assert (out, err) == ("", "concierge: interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("demand", "--traffic", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("demand", "--traffic", "a", "--scenario", "b"), "choose one of --traffic and --scenario"),
        (("demand", "--scenario", "nothing"), "there is no such file"),
        (("units", "--percentile", "0"), "must be above 0"),
        (("units", "--event", "sale"), "NAME:FROM:TO:TIMES"),
        (("units", "--event", "sale:30:40:2"), "begins after the traffic ends"),
        (("units", "--event", "sale:1:2:2", "--event", "sale:3:4:2"), "give each its own name"),
        (("units", "--quote", "nowhere.toml"), "nowhere.toml: cannot be read"),
        (("capacity", "--headroom", "0.5"), "must be 1 or more"),
        (("cost", "--what-if", "search.nodes"), "write KEY=VALUE"),
        (("cost", "--what-if", "search.instance=r6g.xlarge"), "documents need"),
        (("simulate", "--rate", "0"), "must be above 0"),
        (("simulate", "--hours", "100"), "48 at most"),
        (("simulate", "--lose", "moon@3"), "zone@MINUTE"),
        (("simulate", "--flash", "3"), "MINUTE:SECONDS:TIMES"),
        (("simulate", "--flash", "1..2:3:4"), "MINUTE:SECONDS:TIMES"),
        (("simulate", "--flash", "0:.:2"), "MINUTE:SECONDS:TIMES"),
        (("simulate", "--flash", "0.5:20000:3"), "end after the story"),
        (("simulate", "--lose", "zone@."), "zone@MINUTE"),
        (("simulate", "--seed", "-1"), "greater than or equal to 0"),
        (("report", "--seed", "-1"), "greater than or equal to 0"),
        (("simulate", "--set", "gateway.nothing=1", "--hours", "0.01"), "gateway.nothing"),
        (("record", "nowhere", "--scenario", "normal"), "cannot be read"),
    ],
)
def test_bad_input_is_one_line_that_says_the_fix(told, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = told(*arguments)
    assert code == WRONG_USE
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert not out


def test_a_quote_file_with_a_fault_names_the_key(told, tmp_path: Path) -> None:
    quote = tmp_path / "quote.toml"
    quote.write_text(
        '[sonnet]\ntokens_per_minute = -1\nsource = "AWS"\nas_of = 2027-01-01\n', encoding="utf-8"
    )
    code, _, err = told("units", "--quote", str(quote))
    assert code == WRONG_USE
    assert "sonnet.tokens_per_minute" in err


def test_a_folder_that_cannot_be_written_is_told_before_the_work(told, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    code, _, err = told("report", "--folder", str(tmp_path / "file" / "x"))
    assert code == WRONG_USE
    assert err.startswith(f"concierge: {tmp_path}/file/x: cannot be written: ")
    assert len(err.splitlines()) == 1  # no progress before it


def test_a_folder_where_a_file_is_wanted_is_refused_and_nothing_stays(told, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    code, out, err = told("capacity", *DAY, "--write", str(folder))
    assert code == WRONG_USE
    assert err == f"concierge: {folder}: is a folder: name a file\n"
    assert not out
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]
