"""A plan in a file: the same plan again, no secrets, never half a file, and one line when it is not one."""

import json
import os
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import plan
from plan import Plan, Secret, saved
from plan.saved import SavedPlanError

PASSWORD = "correct-horse-battery-staple"
SECRET_WHEREVER = st.builds(Secret, st.text())


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )


PLAIN = nested(st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text())
MAYBE_SECRET = nested(st.booleans() | st.integers() | st.text() | SECRET_WHEREVER)
ONE_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(scope="module")
def with_secret() -> Plan:
    """A parameter and an output, both secret."""

    def program() -> None:
        password = pulumi.Output.secret(PASSWORD)
        provider = aws.Provider("aws", region="us-east-1")
        aws.ssm.Parameter(
            "password",
            type="SecureString",
            value=password,
            opts=pulumi.ResourceOptions(provider=provider, protect=True),
        )
        pulumi.export("password", password)

    return plan.of_program(program, project="shop", stack="test", config={})


def with_inputs(plan_: Plan, inputs: dict[str, Any]) -> Plan:
    first, *others = plan_.resources
    return replace(plan_, resources=(replace(first, inputs=inputs), *others))


def emptied(plan_: Plan) -> Plan:
    """The plan without the values of its secrets."""
    resources = (
        replace(r, inputs=without_values(r.inputs), outputs=without_values(r.outputs))
        for r in plan_.resources
    )
    return replace(plan_, resources=tuple(resources), outputs=without_values(plan_.outputs))


def without_values(value: Any) -> Any:
    if isinstance(value, Secret):
        return Secret(None)
    if isinstance(value, dict):
        return {key: without_values(item) for key, item in value.items()}
    return [without_values(item) for item in value] if isinstance(value, list) else value


def test_a_plan_comes_back_as_it_was(either: Plan, tmp_path: Path) -> None:
    saved.save(either, tmp_path / "plan.json")
    assert saved.load(tmp_path / "plan.json") == emptied(either)


@ONE_FILE
@given(inputs=st.dictionaries(st.text(), PLAIN, max_size=4))
def test_whatever_its_inputs_are(with_secret: Plan, tmp_path: Path, inputs: dict[str, Any]) -> None:
    some = with_inputs(with_secret, inputs)
    saved.save(some, tmp_path / "plan.json")
    assert saved.load(tmp_path / "plan.json").resources[0] == some.resources[0]


@ONE_FILE
@given(inputs=st.dictionaries(st.text(), MAYBE_SECRET, max_size=4))
def test_a_secret_comes_back_without_its_value_wherever_it_stood(
    with_secret: Plan, tmp_path: Path, inputs: dict[str, Any]
) -> None:
    saved.save(with_inputs(with_secret, inputs), tmp_path / "plan.json")
    assert saved.load(tmp_path / "plan.json").resources[0].inputs == without_values(inputs)


def test_no_secret_is_written(with_secret: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    saved.save(with_secret, path)
    assert PASSWORD not in path.read_text()
    loaded = saved.load(path)
    assert loaded.get("password").inputs["value"] == Secret(None)
    assert loaded.outputs == {"password": Secret(None)}
    assert loaded.get("password").options.protect


def test_what_only_looks_like_a_secret_mark_stays_what_it_is(with_secret: Plan, tmp_path: Path) -> None:
    inputs = {"settings": {"$secret": True}, "$format": 1}
    saved.save(with_inputs(with_secret, inputs), tmp_path / "plan.json")
    assert saved.load(tmp_path / "plan.json").resources[0].inputs == inputs


def test_saving_again_replaces_the_file(dev: Plan, prod: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    saved.save(dev, path)
    saved.save(prod, path)
    assert saved.load(path) == emptied(prod)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist(dev: Plan, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "plan.json"
    assert refused(saved.save, dev, path) == (
        f"{path}: the plan is not saved: No such file or directory; "
        "choose a file in a folder that exists and has space"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_in_the_way_is_refused_and_stays(dev: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    os.mkfifo(path)
    said = refused(saved.save, dev, path)
    assert said.startswith(f"{path}: the plan is not saved: there is something that is not a regular file; ")
    assert path.is_fifo()


def test_a_symlink_and_the_mode_of_its_target_stay(dev: Plan, tmp_path: Path) -> None:
    link, target = tmp_path / "plan.json", tmp_path / "kept.json"
    target.touch(mode=0o640)
    link.symlink_to(target)
    saved.save(dev, link)
    assert link.is_symlink()
    assert saved.load(target) == emptied(dev)
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_full_disk_leaves_the_old_plan_and_nothing_half_written(
    dev: Plan, prod: Plan, tmp_path: Path
) -> None:
    path = tmp_path / "plan.json"
    saved.save(dev, path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        said = refused(saved.save, prod, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert said.startswith(f"{path}: the plan is not saved: File too large")
    assert saved.load(path) == emptied(dev)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resources: []", "is not JSON (Expecting value: line 1 column 1 (char 0))"),
        ("[]", "is not a saved plan: it has no format number"),
        ('{"stack": "dev"}', "is not a saved plan: it has no format number"),
        ('{"format": 99}', "has format 99, this version reads 1"),
        ('{"format": "1"}', "has format '1', this version reads 1"),
        ('{"format": 1, "stack": "dev"}', "is not a saved plan: resources: field required"),
        (
            '{"format": 1, "stack": "dev", "resources": [{"urn": "x"}], "outputs": {}}',
            "is not a saved plan: resources.0.type: field required",
        ),
    ],
)
def test_a_file_that_is_no_plan_says_what_it_is_and_what_to_do(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    fix = "save the plan again with this version: concierge plan STACK --save FILE"
    assert refused(saved.load, path) == f"{path}: {said}; {fix}"


def test_no_file_at_all(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    assert refused(saved.load, path) == (
        f"{path}: cannot be read: No such file or directory; write one with concierge plan STACK --save FILE"
    )


def by_hand(plan_: Plan, path: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """What loading says about a saved plan that somebody edited."""
    saved.save(plan_, path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return refused(saved.load, path)


@pytest.mark.parametrize("urn", ["", "vpc", "urn:pulumi:test::shop", "urn:pulumi:test::shop::type", "a\nb"])
def test_a_urn_by_hand_that_is_none(with_secret: Plan, tmp_path: Path, urn: str) -> None:
    said = by_hand(with_secret, tmp_path / "p.json", lambda d: d["resources"][0].update(urn=urn))
    assert f"is not a saved plan: {urn!r} is not a urn; " in said


def test_an_alias_that_only_begins_as_a_urn(with_secret: Plan, tmp_path: Path) -> None:
    said = by_hand(
        with_secret, tmp_path / "p.json", lambda d: d["resources"][0]["options"].update(aliases=["urn:x"])
    )
    assert "is not a saved plan: 'urn:x' is not a urn; " in said


def test_two_resources_of_one_urn(with_secret: Plan, tmp_path: Path) -> None:
    said = by_hand(with_secret, tmp_path / "p.json", lambda d: d["resources"].append(d["resources"][0]))
    assert f"two resources have the urn {with_secret.resources[0].urn!r}; " in said


def test_no_stack_resource(with_secret: Plan, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["resources"] = [r for r in document["resources"] if r["type"] != "pulumi:pulumi:Stack"]

    assert "it has 0 resources of type pulumi:pulumi:Stack, not 1; " in by_hand(
        with_secret, tmp_path / "p.json", change
    )


@pytest.mark.parametrize("length", [1, 2])
def test_a_resource_that_is_inside_of_itself(with_secret: Plan, tmp_path: Path, length: int) -> None:
    def change(document: dict[str, Any]) -> None:
        circle = document["resources"][:length]
        for inner, outer in zip(circle, [*circle[1:], circle[0]], strict=True):
            inner["parent"] = outer["urn"]

    assert " is its own parent, or that of one around it; " in by_hand(
        with_secret, tmp_path / "p.json", change
    )


@pytest.mark.parametrize("depth", [200, 5_000, 100_000])
def test_values_that_are_nested_too_deeply(with_secret: Plan, tmp_path: Path, depth: int) -> None:
    path = tmp_path / "plan.json"
    saved.save(with_secret, path)
    deep = "[" * depth + "]" * depth
    path.write_text(path.read_text().replace('"outputs": {', '"outputs": {"deep": ' + deep + ", ", 1))
    assert "is not a saved plan: a value is nested more than 100 levels deep; " in refused(saved.load, path)


def test_the_file_says_its_format(dev: Plan, tmp_path: Path) -> None:
    saved.save(dev, tmp_path / "plan.json")
    document = json.loads((tmp_path / "plan.json").read_text())
    assert document["format"] == saved.FORMAT
    assert document["stack"] == "dev"


def refused(call: Callable[..., object], *args: object) -> str:
    with pytest.raises(SavedPlanError) as error:
        call(*args)
    said = str(error.value)
    assert "\n" not in said
    return said
