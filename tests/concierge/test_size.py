"""`concierge size` as a performance engineer and a finance partner meet it; bad input is one line."""

import json
from pathlib import Path

import pytest

from concierge.__main__ import run
from contract.errors import DONE, WRONG_USE

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
    assert "weekly review: keep them" in out


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
