"""What a judge is told to let pass: covered while it is true and in time, an error afterwards."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from plan import Plan
from plan.model import STACK_TYPE, Resource
from policies import suppressions
from policies.finding import Finding
from policies.suppressions import Suppression, SuppressionsError

TODAY = date(2026, 6, 1)
STACK = Resource(
    urn="urn:pulumi:x::concierge::pulumi:pulumi:Stack::x",
    type=STACK_TYPE,
    name="x",
    id="",
    custom=False,
    parent=None,
    provider=None,
    region=None,
    inputs={},
    outputs={},
)
BUCKET = replace(STACK, urn="urn:b", type="aws:s3/bucket:Bucket", name="primary-logs-bucket", custom=True)
PLAN = Plan("x", (STACK, BUCKET), {})
FOUND = Finding(
    rule="CKV_1", severity="mandatory", urn="urn:b", message="open", fix="close", source="checkov"
)
ENTRY = Suppression(
    rule="CKV_1",
    on=("s3.Bucket *-logs-bucket",),
    why="Log delivery takes no other key than the one that S3 has itself.",
    owner="security",
    until=date(2026, 6, 1),
)


def left(*entries: Suppression, found=(FOUND,), protected: bool = True, sources=("checkov",)) -> list[str]:
    """Rules of what still counts."""
    outcome = suppressions.apply(
        found, PLAN, protected=protected, sources=sources, entries=entries, today=TODAY
    )
    return [finding.rule for finding in outcome.left]


def test_what_an_entry_covers_is_waived_and_says_by_which():
    outcome = suppressions.apply(
        [FOUND], PLAN, protected=True, sources=["checkov"], entries=[ENTRY], today=TODAY
    )
    assert outcome.left == ()
    assert outcome.waived == ((FOUND, ENTRY),)


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "CKV_2"},
        {"on": ("s3.Bucket *-archive-bucket",)},
        {"on": ("s3.BucketPolicy *",)},
        {"source": "iam"},
        {"only": "open"},
    ],
    ids=["another rule", "another name", "another type", "another judge", "other environments"],
)
def test_an_entry_about_something_else_covers_nothing(other: dict[str, object]):
    assert "CKV_1" in left(ENTRY.model_copy(update=other))


def test_past_its_day_an_entry_covers_nothing_and_is_an_error_itself():
    assert left(ENTRY.model_copy(update={"until": date(2026, 5, 31)})) == ["CKV_1", "suppression-expired"]


def test_an_entry_that_nothing_needs_is_an_error():
    assert left(ENTRY, found=()) == ["suppression-unused"]


def test_an_entry_is_not_unused_where_its_resources_are_not_or_its_judge_was_not_asked():
    elsewhere = ENTRY.model_copy(update={"on": ("neptune.Cluster *",)})
    assert left(elsewhere, found=()) == []
    assert left(ENTRY, found=(), sources=("iam",)) == []
    assert left(ENTRY.model_copy(update={"only": "open"}), found=()) == []


def test_two_entries_of_which_one_says_it_all_leave_the_other_unused():
    assert left(ENTRY, ENTRY.model_copy()) == ["suppression-unused"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[suppress]]\nrule = 'R'\n", "entry 1 (R), on: Field required"),
        ("[[suppress]]\nrule = 'R'\non = ['a']\nwhy = 'because'\nowner = 'me'\nuntil = 2027-01-01\n", "why"),
        ("suppress = [3]\n", "entry 1 (no table)"),
        ("[[suppress\n", "at line 1"),
    ],
    ids=["no resources", "no reason", "no table", "no TOML"],
)
def test_a_bad_file_is_told_in_one_line_with_its_entry(tmp_path: Path, text: str, says: str):
    file = tmp_path / "suppressions.toml"
    file.write_text(text)
    with pytest.raises(SuppressionsError) as told:
        suppressions.load(file)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(SuppressionsError, match=r"none\.toml"):
        suppressions.load(tmp_path / "none.toml")


def test_every_entry_of_ours_is_about_resources_that_one_of_our_stacks_has(dev: Plan, prod: Plan):
    idle = [
        f"{entry.rule} on {pattern}"
        for entry in suppressions.load()
        for pattern in entry.on
        if not any(
            entry.model_copy(update={"on": (pattern,)}).is_of(resource)
            for stack in (dev, prod)
            for resource in stack.resources
        )
    ]
    assert idle == []
