"""`concierge policy` as a security engineer meets it: a real process, its output, its exit code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from plan import Plan
from policies import sarif, show, sources
from policies.finding import Finding
from tests.policies.mutation_helpers import Draft

ROOT = Path(__file__).resolve().parents[2]


def policy(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "concierge", "policy", *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "140", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def broken(prod: Plan) -> sources.Report:
    """prod with a table that cannot be brought back, as our rules see it."""
    draft = Draft(prod)
    draft.set("dynamodb.Table primary-tables-orders", "pointInTimeRecovery.enabled", False)
    return sources.ask(draft.plan, protected=True, sources={"ours": sources.ours})


def test_our_own_stack_may_be_deployed(tmp_path: Path):
    file = tmp_path / "found.sarif"
    told = policy("dev", "--json", "--sarif", str(file))

    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["stack"], found["protected"], found["mandatory"]) == ("dev", False, 0)
    runs = {r["tool"]["driver"]["name"]: r for r in json.loads(file.read_text())["runs"]}
    assert runs.keys() == {f"concierge policy ({name})" for name in ("ours", "checkov", "cfn-lint", "iam")}
    assert re.fullmatch(r"checkov [\d.]+: \d+ passed, \d+ failed, 0 skipped", found["checked"]["checkov"])
    assert found["waived"] > 0
    run = runs["concierge policy (ours)"]
    ours = [f for f in found["findings"] if f["source"] == "ours"]
    assert len(run["results"]) == len(ours)
    assert {result["level"] for result in run["results"]} == {"warning"}


def test_what_is_mandatory_fails_the_command(project: Path):
    """A shell in production is refused; the table says where and how to mend it."""
    text = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    (project / "Pulumi.prod.yaml").write_text(
        f"{text}\n  concierge:agent: {{shell: true}}\n", encoding="utf-8"
    )

    told = policy("prod", "--only", "ours", cwd=project)

    assert told.returncode == 1, told.stderr
    row = next(line for line in told.stdout.splitlines() if line.startswith("no-shell"))
    assert "mandatory" in row
    assert "policy prod:" in told.stdout.splitlines()[-1]
    assert "must not be deployed" in told.stdout.splitlines()[-1]


def test_a_rule_explains_itself():
    told = policy("--explain", "waf-rate")

    assert told.returncode == 0
    for word in ("NET-6", "100 times in five minutes", "waf.auth_rate"):
        assert word in told.stdout


def test_a_rule_that_is_not_there_is_told_with_those_like_it():
    told = policy("--explain", "waf-rat")

    assert told.returncode == 2
    assert told.stderr.strip() == (
        "concierge: no rule 'waf-rat'; there are: waf-rate, waf-rules (docs/policies.md has all)"
    )


def test_without_a_stack_it_says_so():
    told = policy()

    assert told.returncode == 2
    assert "say which stack" in told.stderr


def test_findings_that_are_the_same_are_one_row(prod: Plan):
    found = [
        Finding(rule="r", severity="advisory", urn=f"urn::a::b::{name}", message="is wrong", fix="mend it")
        for name in ("one", "two", "three", "four", "five")
    ]
    answer = sources.Answer(findings=found, checked="a rule")
    report = sources.ask(prod, protected=True, sources={"ours": lambda _, __: answer})

    console = Console(width=120)
    with console.capture() as captured:
        console.print(show.render(report))
    told = captured.get()

    assert "five, four, one and 2 more" in told
    assert told.splitlines()[-1] == (
        "policy prod: 0 mandatory, 5 advisory, 0 let pass with a reason (a rule); may be deployed"
    )


def test_sarif_names_resource_rule_and_level(broken: sources.Report):
    (run,) = sarif.document(broken)["runs"]

    (result,) = [r for r in run["results"] if r["level"] == "error"]
    assert result["ruleId"] == "table-recovery"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "table-recovery"
    assert result["locations"][0]["logicalLocations"][0]["name"] == "primary-tables-orders"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "Pulumi.prod.yaml"


def test_what_is_mandatory_comes_first(broken: sources.Report):
    levels = [finding.severity for finding in broken.findings]

    assert broken.mandatory == 1
    assert levels[0] == "mandatory"
    assert set(levels[1:]) == {"advisory"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dev", "--only", "chekov"), "no source 'chekov'; there are: checkov, ours, cfn-lint, iam"),
        (("dev", "--sarif", "no/such/folder/found.sarif"), "there is no folder no/such/folder"),
        (("iam", "dev"), "Missing option '--role'. See `concierge policy iam --help`."),
    ],
    ids=["source", "file", "role"],
)
def test_wrong_use_is_told_before_anything_is_planned(arguments: tuple[str, ...], said: str):
    told = policy(*arguments)

    assert told.returncode == 2
    assert said in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
