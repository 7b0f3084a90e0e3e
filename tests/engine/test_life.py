"""A stack's whole life in the real engine: from nothing, through a failure, to nothing."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import plan
from tests.engine.conftest import PAGER, Rise, deployed, texts
from tests.engine.engine_helpers import Engine, Outcome
from tests.engine.provider_helpers import Operation

pytestmark = pytest.mark.prove


def made(log: tuple[Operation, ...]) -> list[str]:
    return [operation.id for operation in log if operation.step == "create"]


def test_a_preview_from_nothing_touches_nothing_and_warns_of_nothing_but_the_settings(
    risen: Rise, root: Path
):
    assert risen.preview.code == 0, risen.preview.told
    assert risen.preview.counts.keys() == {"create"}
    assert risen.after_preview == 0
    stack = risen.engine.stack
    told = plan.once(stack, root, texts({**deployed(stack), "notices.pager_url": PAGER})).warnings
    assert sorted(risen.preview.diagnostics.get("warning", [])) == sorted(told)
    assert "error" not in risen.preview.diagnostics


def test_a_failure_on_the_way_is_told_and_nothing_that_needs_it_is_made(risen: Rise):
    assert risen.cut.code != 0
    assert any("LimitExceededException" in text for text in risen.cut.diagnostics["error"])
    assert 0 < len(risen.after_cut) < len(risen.log)
    assert {operation.step for operation in risen.after_cut} == {"create"}


def test_the_next_up_makes_what_is_missing_and_nothing_twice(risen: Rise):
    assert risen.resumed.code == 0, risen.resumed.told
    names = [(operation.type, operation.name) for operation in risen.log if operation.step == "create"]
    assert len(names) == len(set(names)), "made twice"
    assert risen.after_cut == risen.log[: len(risen.after_cut)]
    assert {step.op for step in risen.resumed.steps} <= {"create", "update"}
    custom = [r for r in risen.before_refresh if r["custom"] and r["type"].startswith("aws:")]
    assert sorted(made(risen.log)) == sorted(resource["id"] for resource in custom)


def test_each_resource_is_made_after_everything_it_depends_on(risen: Rise):
    place = {id_: number for number, id_ in enumerate(made(risen.log))}
    urns = {r["urn"]: place[r["id"]] for r in risen.before_refresh if r.get("id") in place}
    for resource in risen.before_refresh:
        for needed in resource.get("dependencies", ()):
            if resource["urn"] in urns and needed in urns:
                assert urns[needed] < urns[resource["urn"]], f"{resource['urn']} is made before {needed}"


def test_a_second_up_does_nothing(risen: Rise):
    """Not even for values that AWS answers anew each time, such as a random password."""
    assert risen.again.code == 0, risen.again.told
    assert risen.again.steps == ()
    assert risen.again.counts.keys() == {"same"}
    assert risen.no_changes.code == 0, risen.no_changes.told


def test_a_refresh_finds_nothing_and_changes_nothing(risen: Rise):
    assert risen.refresh.code == 0, risen.refresh.told
    assert {step.op for step in risen.refresh.steps} <= {"refresh"}
    assert risen.refresh.counts.keys() <= {"same"}
    assert [plain(r) for r in risen.state] == [plain(r) for r in risen.before_refresh]


def plain(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what says nothing: when it was written, which ciphertext, which dependencies there are not."""

    def opened(value: Any) -> Any:
        if isinstance(value, dict):
            return "sealed" if "ciphertext" in value else {key: opened(item) for key, item in value.items()}
        return [opened(item) for item in value] if isinstance(value, list) else value

    found = opened({k: v for k, v in resource.items() if k not in {"modified", "created"}})
    needs = {k: urns for k, urns in (resource.get("propertyDependencies") or {}).items() if urns}
    return {**found, "propertyDependencies": needs}


def test_no_secret_is_written_in_clear(risen: Rise):
    generated = risen.engine.world.passwords
    written = risen.engine.everything_written()
    assert len(generated) >= 2
    for secret in (PAGER, *generated):
        assert secret not in written
        assert json.dumps(secret)[1:-1] not in written
    assert '"ciphertext"' in written
    assert "secure:" in (risen.engine.folder / f"Pulumi.{risen.engine.stack}.yaml").read_text()


@dataclass(frozen=True)
class End:
    """The same stack, destroyed: as it is, then with its protection taken off."""

    rise: Rise
    engine: Engine
    refused: Outcome
    after_refused: int
    gone: Outcome


@pytest.fixture(scope="module")
def end(risen: Rise, tmp_path_factory: pytest.TempPathFactory) -> Iterator[End]:
    with risen.engine.copied(tmp_path_factory.mktemp("end")) as engine:
        refused = engine.destroy()
        after_refused = len(engine.world.done("delete"))
        gone = refused
        if engine.state():
            engine.run("state", "unprotect", "--all", "--yes")
            gone = engine.destroy()
        yield End(risen, engine, refused, after_refused, gone)


def protected(rise: Rise) -> set[str]:
    return {resource["type"] for resource in rise.state if resource.get("protect")}


def test_what_is_protected_is_not_destroyed(end: End):
    if end.engine.stack == "dev":
        assert protected(end.rise) == set()
        assert end.refused.code == 0, end.refused.told
    else:
        tables, keys = "aws:dynamodb/table:Table", "aws:kms/key:Key"
        assert {tables, keys, "aws:s3/bucket:Bucket"} <= protected(end.rise)
        assert end.refused.code != 0
        assert "protected" in end.refused.told
        assert end.after_refused == 0, "the engine looks for protection before it deletes"


def test_destroy_ends_empty_but_for_what_the_program_retains(end: End):
    assert end.gone.code == 0, end.gone.told
    assert end.engine.state() == []
    retained = {resource["urn"] for resource in end.rise.state if resource.get("retainOnDelete")}
    assert {thing.urn for thing in end.engine.world.things.values()} == retained


def test_nothing_is_deleted_while_something_still_uses_it(end: End):
    assert end.engine.world.done("delete")
    assert end.engine.world.in_use == []


def test_the_provider_had_nothing_to_refuse_but_what_it_was_told_to(risen: Rise):
    assert [text for text in risen.engine.world.refused if "told to fail" not in text] == []


def test_how_long_it_takes_and_how_much_there_is(risen: Rise, root: Path):
    """The program and the engine alone: AWS takes longer. Kept where a person may look."""
    told = {"resources": len(risen.state), "seconds": risen.seconds}
    (root / "build").mkdir(exist_ok=True)
    (root / "build" / f"engine-{risen.engine.stack}.json").write_text(json.dumps(told))
    assert set(risen.seconds) == {"preview", "up", "up again", "refresh"}
    assert max(risen.seconds.values()) < 300
