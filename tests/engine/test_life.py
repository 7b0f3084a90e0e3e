"""A stack's whole life in the real engine: from nothing, through a failure, to nothing."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.engine.engine_helpers import Engine, Outcome
from tests.engine.provider_helpers import Operation

pytestmark = pytest.mark.prove
PLANTED = "https://events.pagerduty.example/integration/0f1e2d3c4b5a69788796a5b4c3d2e1f0/enqueue"


@dataclass(frozen=True)
class Life:
    """What each step of it said and left behind."""

    stack: str
    engine: Engine
    preview: Outcome
    after_preview: int
    cut: Outcome
    after_cut: tuple[Operation, ...]
    resumed: Outcome
    log: tuple[Operation, ...]
    again: Outcome
    expected_none: Outcome
    before_refresh: list[Mapping[str, Any]]
    refresh: Outcome
    after_refresh: list[Mapping[str, Any]]
    written: str
    refused: Outcome | None
    before_refused: int
    after_refused: int
    destroyed: Outcome
    seconds: Mapping[str, float]


@pytest.fixture(scope="module", params=["dev", "prod"])
def life(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Life:
    stack: str = request.param
    engine = engines(stack)
    engine.run("config", "set", "--path", "concierge:notices.pager_url", PLANTED, "--secret")
    seconds: dict[str, float] = {}

    def timed(name: str, step: Callable[[], Outcome]) -> Outcome:
        started = time.monotonic()
        outcome = step()
        seconds[name] = time.monotonic() - started
        return outcome

    world = engine.world
    preview = timed("preview", engine.preview)
    after_preview = len(world.log)
    world.fails = {fails_at(preview)}
    cut = engine.up()
    after_cut = tuple(world.log)
    world.fails = set()
    resumed = timed("up", engine.up)
    log = tuple(world.log)
    again = timed("again", engine.up)
    expected_none = engine.preview("--expect-no-changes")
    before_refresh = engine.state()
    refresh = timed("refresh", engine.refresh)
    after_refresh = engine.state()
    written = engine.everything_written()
    refused, before_refused = None, len(world.things)
    if any(resource.get("protect") for resource in after_refresh):
        refused = engine.destroy()
        engine.run("state", "unprotect", "--all", "--yes")
    after_refused = len(world.things)
    destroyed = timed("destroy", engine.destroy)
    return Life(
        stack, engine, preview, after_preview, cut, after_cut, resumed, log, again, expected_none,
        before_refresh, refresh, after_refresh, written, refused, before_refused, after_refused, destroyed,
        seconds,
    )  # fmt: skip


def fails_at(preview: Outcome) -> str:
    """A subnet: early enough that most of the estate waits for it, late enough that some of it stands."""
    return next(step.name for step in preview.steps if step.type == "aws:ec2/subnet:Subnet")


def made(log: tuple[Operation, ...]) -> list[str]:
    return [operation.id for operation in log if operation.step == "create"]


def test_a_preview_from_nothing_has_no_warning_and_touches_nothing(life: Life):
    assert life.preview.code == 0, life.preview.told
    assert life.preview.diagnostics.keys() <= {"info", "info#err", "debug"}, life.preview.diagnostics
    assert life.preview.counts.keys() == {"create"}
    assert life.after_preview == 0


def test_a_failure_on_the_way_is_told_and_nothing_that_needs_it_is_made(life: Life):
    assert life.cut.code != 0
    assert any("LimitExceededException" in text for text in life.cut.diagnostics["error"])
    assert 0 < len(life.after_cut) < len(life.log)
    assert {operation.step for operation in life.after_cut} == {"create"}


def test_the_next_up_makes_what_is_missing_and_nothing_twice(life: Life):
    assert life.resumed.code == 0, life.resumed.told
    names = [(operation.type, operation.name) for operation in life.log if operation.step == "create"]
    assert len(names) == len(set(names)), "made twice"
    assert life.after_cut == life.log[: len(life.after_cut)]
    assert {step.op for step in life.resumed.steps} <= {"create", "update"}
    custom = [r for r in life.before_refresh if r["custom"] and r["type"].startswith("aws:")]
    assert sorted(made(life.log)) == sorted(resource["id"] for resource in custom)


def test_each_resource_is_made_after_everything_it_depends_on(life: Life):
    place = {id_: number for number, id_ in enumerate(made(life.log))}
    urns = {r["urn"]: place[r["id"]] for r in life.before_refresh if r.get("id") in place}
    for resource in life.before_refresh:
        for needed in resource.get("dependencies", ()):
            if resource["urn"] in urns and needed in urns:
                assert urns[needed] < urns[resource["urn"]], f"{resource['urn']} is made before {needed}"


def test_a_second_up_does_nothing(life: Life):
    """Not even for values that AWS answers anew each time, such as a random password."""
    assert life.again.code == 0, life.again.told
    assert life.again.steps == ()
    assert life.again.counts.keys() == {"same"}
    assert life.expected_none.code == 0, life.expected_none.told


def test_a_refresh_finds_nothing_and_changes_nothing(life: Life):
    assert life.refresh.code == 0, life.refresh.told
    assert {step.op for step in life.refresh.steps} <= {"refresh"}
    assert life.refresh.counts.keys() <= {"same"}
    assert [plain(r) for r in life.after_refresh] == [plain(r) for r in life.before_refresh]


def plain(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without when it was written, and without ciphertexts: each is new whenever it is written."""

    def opened(value: Any) -> Any:
        if isinstance(value, dict):
            return "sealed" if "ciphertext" in value else {key: opened(item) for key, item in value.items()}
        return [opened(item) for item in value] if isinstance(value, list) else value

    found: Mapping[str, Any] = opened({k: v for k, v in resource.items() if k not in {"modified", "created"}})
    return found


def test_no_secret_is_written_in_clear(life: Life):
    generated = life.engine.world.passwords
    assert len(generated) >= 2
    for secret in (PLANTED, *generated):
        assert secret not in life.written
        assert json.dumps(secret)[1:-1] not in life.written
    assert '"ciphertext"' in life.written
    assert "secure:" in (life.engine.folder / f"Pulumi.{life.stack}.yaml").read_text()


def test_what_is_protected_is_not_destroyed(life: Life):
    protected = [resource for resource in life.after_refresh if resource.get("protect")]
    if life.stack == "dev":
        assert protected == []
        assert life.refused is None
        return
    assert life.refused is not None
    assert life.refused.code != 0
    assert "protected" in life.refused.told
    assert {"aws:dynamodb/table:Table", "aws:s3/bucket:Bucket", "aws:kms/key:Key"} <= {
        resource["type"] for resource in protected
    }
    still = {thing.urn for thing in life.engine.world.things.values()}
    assert life.after_refused >= len(protected)
    assert not {resource["urn"] for resource in protected} <= still, (
        "this looks at the end, when they are gone"
    )


def test_destroy_ends_empty_but_for_what_the_program_retains(life: Life):
    assert life.destroyed.code == 0, life.destroyed.told
    assert life.engine.state() == []
    retained = {resource["urn"] for resource in life.after_refresh if resource.get("retainOnDelete")}
    assert {thing.urn for thing in life.engine.world.things.values()} == retained


def test_nothing_is_deleted_while_something_still_uses_it(life: Life):
    assert life.engine.world.in_use == []


def test_the_provider_had_nothing_to_refuse_but_what_it_was_told_to(life: Life):
    assert [text for text in life.engine.world.refused if "told to fail" not in text] == []


def test_how_long_it_takes_and_how_much_there_is(life: Life, record_property: Callable[[str, object], None]):
    """Not a limit for AWS, which takes longer: for the program and the engine."""
    record_property("seconds", {step: round(taken, 1) for step, taken in life.seconds.items()})
    record_property("resources", len(life.before_refresh))
    print(f"{life.stack}: {len(life.before_refresh)} resources,", life.seconds)
    assert life.seconds["preview"] < 180
    assert life.seconds["up"] < 300
