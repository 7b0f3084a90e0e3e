"""What the runtime reads while it serves: each document on its own, and each keeps its last good state."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contract.model_access import GuardrailUse, ModelCalls
from contract.models import models
from contract.rungs import ExtraRung, render
from runtime import aws
from runtime.documents import Documents, Names, Store
from runtime.targets import ModelCallsError, Targets
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.testing.desk import EPOCH, wall
from runtime.testing.ladders import alone
from runtime.testing.models import refusal

LADDER = alone().ladder
SONNET = LADDER[0]
NAMES = Names("/c/controls", "/c/rungs", "/c/models")
GUARDRAIL = GuardrailUse(id="gr-1", version="3", stream="sync")
PUBLISHED = ModelCalls(rungs={"sonnet": "arn:sonnet", "haiku": "arn:haiku"}, guardrail=GUARDRAIL)


def units(name: str, **changes: Any) -> ExtraRung:
    """Units for the first rung's model, for an hour."""
    usual = {
        "model": "sonnet",
        "arn": f"arn:{name}",
        "units": 2,
        "who": "event-capacity",
        "why": "Prime Day",
        "expires_at": EPOCH + timedelta(hours=1),
    }
    return ExtraRung.model_validate({"name": name, **usual, **changes})


class Ssm:
    """Parameters in memory, and what the runtime says of them."""

    def __init__(self, **texts: str) -> None:
        self.texts: dict[str, str | Exception] = {"/c/models": PUBLISHED.model_dump_json(), **texts}
        self.texts.setdefault("/c/controls", "{}")
        self.folder: Mapping[str, str] | Exception = {}
        self.lines: list[dict[str, Any]] = []

    def publish(self, *rungs: ExtraRung) -> None:
        self.folder = {f"/c/rungs/{rung.name}": render(rung) for rung in rungs}

    async def one(self, name: str) -> str:
        text = self.texts[name]
        if isinstance(text, Exception):
            raise text
        return text

    async def all_in(self, _: str) -> Mapping[str, str]:
        if isinstance(self.folder, Exception):
            raise self.folder
        return self.folder

    def documents(self, names: Names = NAMES) -> Documents:
        telemetry = Telemetry("test", wall, lambda line: self.lines.append(json.loads(line)))
        return Documents(Store(self.one, self.all_in), names, LADDER, wall, telemetry)

    def said(self, level: str) -> list[str]:
        return [line["message"] for line in self.lines if line["level"] == level]


async def refreshed(documents: Documents) -> None:
    for refresh in (*documents.turned, *documents.published):
        await refresh()


def names(documents: Documents) -> list[str]:
    return [rung.name for rung in documents.extras.current()]


def in_time(scene: Callable[[], Any]) -> Any:
    """Runs a scene in virtual time."""
    return loop.run(scene())


def test_model_calls_and_guardrail_are_those_of_the_document():
    async def scene() -> Any:
        ssm = Ssm()
        documents = ssm.documents()
        await documents.start()
        target = Targets("us-east-1", documents.model_calls, documents.extras.units).of(SONNET)
        return target, ssm.said("warning")

    target, warnings = in_time(scene)
    assert (target.model_id, target.guardrail) == ("arn:sonnet", GUARDRAIL)
    assert warnings == []


def test_a_new_version_of_the_guardrail_counts_from_the_next_call():
    async def scene() -> Any:
        ssm = Ssm()
        documents = ssm.documents()
        await documents.start()
        targets = Targets("us-east-1", documents.model_calls)
        before = targets.of(SONNET)
        newer = GUARDRAIL.model_copy(update={"version": "4"})
        ssm.texts["/c/models"] = PUBLISHED.model_copy(update={"guardrail": newer}).model_dump_json()
        await refreshed(documents)
        return before.guardrail, targets.of(SONNET).guardrail

    before, after = in_time(scene)
    assert (before.version, after.version) == ("3", "4")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "/c/models"),
        ('{"rungs": {"sonnet": "arn:x"}}', "no modelId for haiku"),
        ('{"rungs": {"sonnet": "", "haiku": "arn:x"}}', "no modelId for sonnet"),
        ('{"rungs": {}, "guardrail": {"id": "gr-1"}}', "guardrail.version"),
    ],
)
def test_nothing_starts_on_model_calls_that_cannot_be_used(text, said):
    """It would call past the guardrail."""

    async def scene() -> None:
        await Ssm(**{"/c/models": text}).documents().start()

    with pytest.raises(ModelCallsError, match=said):
        in_time(scene)


def test_once_it_serves_bad_model_calls_change_nothing_and_are_said_once():
    async def scene() -> Any:
        ssm = Ssm()
        documents = ssm.documents()
        await documents.start()
        ssm.texts["/c/models"] = '{"rungs": {}}'
        for _ in range(3):
            await refreshed(documents)
        return documents.model_calls(), ssm.said("error")

    assert in_time(scene) == (PUBLISHED, ["model calls cannot be used, the last good ones stay"])


@pytest.mark.parametrize("published", [None, PUBLISHED.model_copy(update={"guardrail": None})])
def test_calls_that_no_guardrail_checks_are_warned_of(published):
    """As on a person's own machine, where nothing is published: the model's usual id."""

    async def scene() -> Any:
        ssm = Ssm(**{"/c/models": published.model_dump_json()} if published else {})
        documents = ssm.documents(NAMES if published else Names("/c/controls", "/c/rungs"))
        await documents.start()
        return Targets("us-east-1", documents.model_calls).of(SONNET), ssm.said("warning")

    target, warnings = in_time(scene)
    usual = models()["sonnet"].callable_id("us-east-1")
    assert (target.model_id, target.guardrail) == ("arn:sonnet" if published else usual, None)
    assert len(warnings) == 1


def test_rungs_come_with_their_document_and_go_with_it():
    async def scene() -> Any:
        ssm = Ssm()
        documents = ssm.documents()
        await documents.start()
        seen = [names(documents)]
        for rungs in ([units("event")], [units("event"), units("second")], []):
            ssm.publish(*rungs)
            await refreshed(documents)
            seen.append(names(documents))
        return seen

    assert in_time(scene) == [[], ["event"], ["event", "second"], []]


def test_units_are_called_by_their_arn_and_under_the_same_guardrail():
    async def scene() -> Any:
        ssm = Ssm()
        ssm.publish(units("event"))
        documents = ssm.documents()
        await documents.start()
        extra = SONNET.model_copy(update={"name": "event"})
        return Targets("us-east-1", documents.model_calls, documents.extras.units).of(extra)

    target = in_time(scene)
    assert (target.model_id, target.guardrail) == ("arn:event", GUARDRAIL)


def test_a_rung_ends_at_its_moment_even_if_the_folder_cannot_be_read():
    async def scene() -> Any:
        ssm = Ssm()
        ssm.publish(units("event", expires_at=EPOCH + timedelta(seconds=60)))
        documents = ssm.documents()
        await documents.start()
        ssm.folder = ConnectionError("SSM is out of reach")
        await asyncio.sleep(59.9)
        await refreshed(documents)
        before = names(documents)
        await asyncio.sleep(0.1)
        return before, names(documents), ssm.said("error")

    unreadable = "extra rungs cannot be used, the last good ones stay"
    assert in_time(scene) == (["event"], [], [unreadable])


@pytest.mark.parametrize(
    ("misfit", "said"),
    [
        (render(units("sonnet")), "another rung has this name"),
        (render(units("event")), "another rung has this name"),
        (render(units("odd", model="opus")), "no rung of the ladder calls the model opus"),
        ("not json", "/c/rungs/misfit"),
    ],
)
def test_a_rung_that_does_not_fit_is_left_out_and_said_once_and_spoils_no_other(misfit, said):
    async def scene() -> Any:
        ssm = Ssm()
        ssm.publish(units("event"))
        ssm.folder = {**dict(ssm.folder), "/c/rungs/misfit": misfit}  # type: ignore[arg-type]
        documents = ssm.documents()
        await documents.start()
        await refreshed(documents)
        return names(documents), [line["error"] for line in ssm.lines if line["level"] == "error"]

    kept, errors = in_time(scene)
    assert kept == ["event"]
    assert len(errors) == 1
    assert said in errors[0]


def test_one_document_that_cannot_be_read_holds_up_no_other():
    async def scene() -> Any:
        ssm = Ssm(**{"/c/controls": "mistyped"})
        ssm.publish(units("event"))
        documents = ssm.documents()
        await documents.start()
        return names(documents), documents.model_calls(), len(documents.published)

    assert in_time(scene) == (["event"], PUBLISHED, 2)


class Pages:
    """An SSM client whose folder comes in pages; an exception stands for a page that is refused."""

    def __init__(self, *pages: Mapping[str, str] | Exception) -> None:
        self._pages = pages
        self.asked: list[Mapping[str, Any]] = []

    async def get_parameters_by_path(self, **asked: Any) -> Mapping[str, Any]:
        number = int(asked.get("NextToken", 0))
        self.asked.append(asked)
        page = self._pages[number]
        if isinstance(page, Exception):
            raise page
        more = {"NextToken": str(number + 1)} if number + 1 < len(self._pages) else {}
        return {"Parameters": [{"Name": n, "Value": value} for n, value in page.items()], **more}


def test_a_folder_is_read_to_its_last_page():
    """A page may be empty, and more may still come."""

    async def scene() -> Any:
        client = Pages({"/c/rungs/a": "1"}, {}, {"/c/rungs/b": "2"})
        return await aws.read_folder(client, "/c/rungs"), client.asked

    found, asked = in_time(scene)
    assert found == {"/c/rungs/a": "1", "/c/rungs/b": "2"}
    assert asked == [{"Path": "/c/rungs"}, *({"Path": "/c/rungs", "NextToken": n} for n in "12")]


def test_a_page_that_is_refused_spoils_the_read_and_names_the_right():
    """Half a folder would withdraw the other half."""
    denied: ClientError = refusal("AccessDeniedException", 400)

    async def scene() -> None:
        await aws.read_folder(Pages({"/c/rungs/a": "1"}, denied), "/c/rungs")

    with pytest.raises(aws.ParameterError, match="/c/rungs may not be read: allow ssm:GetParametersByPath"):
        in_time(scene)
