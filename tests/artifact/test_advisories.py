"""Known-vulnerable pins: advisories in the OSV format, as osv.dev and PyPA's database hold them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from artifact import advisories
from artifact.build import Artifact
from artifact.errors import ArgumentError, RefusedError
from artifact.lock import Pin


def advisory(events: Sequence[dict[str, str]] = (), **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": "PyPI", "name": "Bad_Package"},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
        **more,
    }
    return {"id": "PYSEC-2026-1", "affected": [affected]}


def said(version: str, row: dict[str, Any]) -> list[str]:
    return list(advisories.refusals([Pin("bad-package", version, ())], [row]))


@pytest.mark.parametrize(
    ("version", "vulnerable"),
    [
        ("0.9", False),
        ("1.0", True),
        ("1.4.9", True),
        ("1.5", False),
        ("2.0rc1", False),
        ("2.0", True),
        ("3.0", True),
    ],
)
def test_a_version_between_introduced_and_fixed_is_vulnerable(version: str, vulnerable: bool):
    row = advisory([{"introduced": "2.0"}, {"introduced": "1.0"}, {"fixed": "1.5"}])
    assert bool(said(version, row)) == vulnerable


@pytest.mark.parametrize(("version", "vulnerable"), [("1.2", True), ("1.2.1", False)])
def test_the_last_affected_version_is_vulnerable(version: str, vulnerable: bool):
    assert bool(said(version, advisory([{"introduced": "0"}, {"last_affected": "1.2"}]))) == vulnerable


def test_it_says_which_and_what_mends_it():
    row = advisory([{"introduced": "0"}, {"fixed": "1.5"}])
    assert said("1.0", row) == ["bad-package 1.0 is vulnerable: PYSEC-2026-1; 1.5 mends it"]
    assert said("1.0", advisory(versions=["1.0"])) == [
        "bad-package 1.0 is vulnerable: PYSEC-2026-1; no version mends it"
    ]


def test_what_is_withdrawn_or_of_another_ecosystem_says_nothing():
    row = advisory([{"introduced": "0"}])
    assert said("1.0", {**row, "withdrawn": "2026-01-01T00:00:00Z"}) == []
    assert (
        said("1.0", advisory([{"introduced": "0"}], package={"ecosystem": "npm", "name": "bad-package"}))
        == []
    )


def test_a_vulnerable_pin_is_refused_before_anything_is_fetched(
    package: Callable[..., Artifact], tmp_path: Path
):
    row = advisory([{"introduced": "0"}], package={"ecosystem": "PyPI", "name": "botocore"})
    (tmp_path / "known.json").write_text(json.dumps([row]))
    with pytest.raises(RefusedError, match=r"botocore 1\.0 is vulnerable: PYSEC-2026-1"):
        package(advisories=tmp_path / "known.json", wheels=tmp_path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("nonsense", "is no JSON"),
        ('{"id": "x"}', "is not in the OSV format"),
        ("[]", "there is no advisory in it"),
    ],
)
def test_a_file_that_holds_no_advisories_is_told(tmp_path: Path, content: str, why: str):
    (tmp_path / "known.json").write_text(content)
    with pytest.raises(ArgumentError, match=why):
        advisories.read(tmp_path / "known.json")
    with pytest.raises(ArgumentError, match=why):
        advisories.read(tmp_path)
