"""What the runtime counts of an experiment, and what a readout makes of it: from a log, from CloudWatch."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract.errors import WrongUseError
from contract.frames import About, Final
from contract.intents import Intent
from contract.metrics import ENVIRONMENT, NAMESPACE
from contract.people import Person
from contract.runtime_settings import Experiment
from contract.tiers import Tier
from rehearsal.experiment_figures import NoFiguresError, of_cloudwatch, of_log
from runtime.eval.experiments import Arm, read
from runtime.experiment import USUAL, Trial, variant_of
from runtime.measures import Measures
from runtime.telemetry import Telemetry

BRIEF = Experiment(name="brief", shares={"concise": 0.5})
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def ending(intent: Intent) -> Final:
    about = About(intent=intent)
    return Final(request_id="r", sequence_number=1, text="t", tier=Tier.T0, rung="sonnet", about=about)


def logged(folder: Path, people: int = 300) -> Path:
    """Everybody asks once; those who see the concise wording are more content, and want a human less."""
    lines: list[str] = []
    telemetry = Telemetry("prod", lambda: NOW, lines.append)
    trial = Trial(BRIEF, Measures(telemetry))
    for number in range(people):
        person = Person(kind="user", id=f"c-{number:05d}")
        concise = bool(variant_of(BRIEF, person))
        wants = number % (20 if concise else 4) == 0
        trial.answered(person, ending(Intent.ESCALATION if wants else Intent.CART))
        trial.rated(person, 5 if concise else 3)
    telemetry.flush()
    file = folder / "runtime.out"
    file.write_text("\n".join([*lines, "no metric", ""]))
    return file


def test_a_log_tells_what_came_of_each_wording(tmp_path):
    file = logged(tmp_path)
    rated, human = of_log(file, "brief", "VariantRated"), of_log(file, "brief", "VariantHuman")
    assert set(rated) == {USUAL, "concise"}
    assert rated["concise"].share == 1 and rated[USUAL].share == 0
    assert sum(arm.all for arm in human.values()) == 300
    assert [one.came for one in read(rated, 0.05)] == ["better"]
    assert [one.came for one in read(human, 0.1, more_is_better=False)] == ["better"]


@pytest.mark.parametrize(("name", "metric"), [("other", "VariantRated"), ("brief", "Nothing")])
def test_nothing_measured_is_told(tmp_path, name, metric):
    with pytest.raises(NoFiguresError, match=name):
        of_log(logged(tmp_path, 4), name, metric)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(WrongUseError, match="nowhere"):
        of_log(tmp_path / "nowhere", "brief", "VariantRated")


def test_cloudwatch_tells_the_same_day_by_day_and_nothing_of_others(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("cloudwatch", region_name="us-east-1")
        for variant, values in {
            "brief/usual": [1, 0, 0, 1],
            "brief/concise": [1, 1],
            "later/concise": [0],
        }.items():
            for day, value in enumerate(values):
                point: Any = {
                    "MetricName": "VariantRated",
                    "Dimensions": [
                        {"Name": ENVIRONMENT, "Value": "prod"},
                        {"Name": "Variant", "Value": variant},
                    ],
                    "Timestamp": NOW - timedelta(days=day),
                    "Value": value,
                }
                client.put_metric_data(Namespace=NAMESPACE, MetricData=[point])
        since, until = NOW - timedelta(days=10), NOW + timedelta(days=1)
        found = of_cloudwatch(client, "prod", "brief", "VariantRated", since, until)
    assert found == {USUAL: Arm(2, 4), "concise": Arm(2, 2)}
