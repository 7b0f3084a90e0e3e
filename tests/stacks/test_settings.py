"""What a stack file may say, and the line an engineer reads when it says something else."""

import ipaddress
import json
import os
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, Field, SecretStr

import plan
from contract import regions
from stacks import settings, stackfile
from stacks.problems import validated
from stacks.section import Section
from stacks.settings import Settings
from stacks.stackfile import SettingsError

BAD = tomllib.loads((Path(__file__).parent / "bad_stack_files.toml").read_text(encoding="utf-8"))["case"]
PRIMARY = (
    "  concierge:search: {zones: 2, nodes: 2, replicas: 1, standby_zone: false, documents: 500000}\n"
    "  concierge:regions:\n"
    "    primary: {name: us-east-1, cidr: 10.0.0.0/16, zones: [use1-az1, use1-az2]}\n"
)  # fmt: skip


def load(project: Path, text: str) -> Settings:
    (project / "Pulumi.x.yaml").write_text(text, encoding="utf-8")
    return settings.load("x", project)


def refusal(project: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(project, text)
    return str(refused.value).splitlines()


def by_pulumi(stack: str, project: Path, config: Mapping[str, str] | None = None) -> Settings:
    """The tree as a program of this stack sees it."""
    seen: list[Settings] = []
    plan.of_program(
        lambda: seen.append(settings.from_pulumi()),
        project="concierge",
        stack=stack,
        config=stackfile.read(stack, project).config if config is None else config,
    )
    return seen[0]


def filled(text: str) -> str:
    """The lists in a message that grow with the tree."""
    text = text.replace("<sections>", ", ".join(Settings.model_fields))
    text = text.replace("<regions>", ", ".join(regions.known()))
    for name, section in Settings.model_fields.items():
        if isinstance(section.annotation, type) and issubclass(section.annotation, BaseModel):
            text = text.replace(f"<keys of {name}>", ", ".join(section.annotation.model_fields))
    return text


@pytest.mark.parametrize("bad", BAD, ids=[bad["wrong"] for bad in BAD])
def test_a_bad_file_is_refused_in_one_line_a_fault(project: Path, bad: dict[str, str]):
    assert refusal(project, bad["file"]) == filled(bad["says"]).splitlines()


@pytest.mark.parametrize("zone", ["use1-az3", "use1-az5", "use1-az6"])
def test_agentcore_is_refused_in_zones_without_it(project: Path, zone: str):
    text = "config:\n  concierge:agent: {host: agentcore}\n" + PRIMARY
    assert load(project, text).agent.host == "agentcore"
    (line,) = refusal(project, text.replace("use1-az2", zone))
    assert f"no VPC mode in zone {zone} of us-east-1" in line


def test_a_missing_file_names_the_stacks_there_are(project: Path):
    for stack in ("dev", "perf", "perf-eu"):
        (project / f"Pulumi.{stack}.yaml").touch()
    with pytest.raises(SettingsError) as refused:
        settings.load("prd", project)
    assert str(refused.value) == (
        "Pulumi.prd.yaml: stack 'prd': there is no such file; stacks here are: dev, perf, perf-eu"
    )


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"config: {}\x07\n"])
def test_a_file_that_is_not_text_is_refused_in_one_line(project: Path, content: bytes):
    (project / "Pulumi.x.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"^Pulumi\.x\.yaml: file: cannot be read: .+$") as refused:
        settings.load("x", project)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "config:\n", "config: {}\n"])
def test_an_empty_file_means_the_defaults(project: Path, text: str):
    assert load(project, text) == Settings()


@pytest.mark.parametrize("text", ['"\\UFFFFFFFF"', '"\\ud800"', '{secure: "\\ud800"}'])
def test_a_character_that_does_not_exist_is_refused(project: Path, text: str):
    (line,) = refusal(project, f"config:\n  concierge:environment: {{owner: {text}}}\n")
    assert line.startswith("Pulumi.x.yaml:")


def test_aliases_that_explode_are_refused(project: Path):
    text = "config:\n  a0: &a0 [x, x]\n"
    for n in range(1, 15):
        text += f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n"
    assert refusal(project, text) == [
        "Pulumi.x.yaml:1: YAML: has more than 5000 values, aliases written out: no settings are so many"
    ]


def test_a_file_too_large_to_be_settings_is_refused(project: Path):
    assert refusal(project, "#" * 1_000_001) == ["Pulumi.x.yaml: file: is larger than 1 MB: no settings are"]


@pytest.mark.parametrize("levels", [25, 900, 100_000])
def test_text_that_is_deeply_nested_json_is_refused(project: Path, levels: int):
    (line,) = refusal(project, f"config:\n  concierge:agent: '{'[' * levels}{']' * levels}'\n")
    assert line.startswith("Pulumi.x.yaml:2: concierge:agent = ")
    assert len(line) < 300


def test_a_merge_may_be_overridden(project: Path):
    domain = "  concierge:domain: {name: shop.example.com, zone_id: Z0123456789}\n"
    region = "{name: us-east-1, cidr: 10.0.0.0/16, zones: [use1-az1, use1-az2, use1-az4]}"
    other = "{<<: *first, name: us-west-2, cidr: 10.1.0.0/16, zones: [usw2-az1, usw2-az2, usw2-az3]}"
    tree = load(
        project,
        f"config:\n{domain}  concierge:regions:\n    primary: &first {region}\n    standby: {other}\n",
    )
    assert tree.places["standby"].name == "us-west-2"


def test_many_problems_are_listed_up_to_twenty(project: Path):
    text = "config:\n  concierge:agent:\n" + "".join(f"    wrong_{n}: 1\n" for n in range(25))
    *listed, last = refusal(project, text)
    assert len(listed) == 20
    assert last == "and 5 more"


@pytest.mark.parametrize("kind", ["a folder", "a link to nothing", "no ordinary file"])
def test_what_is_no_file_is_refused_in_one_line(project: Path, kind: str):
    path = project / "Pulumi.x.yaml"
    {"a folder": path.mkdir, "no ordinary file": lambda: os.mkfifo(path)}.get(
        kind, lambda: path.symlink_to(project / "gone")
    )()
    with pytest.raises(SettingsError) as refused:
        settings.load("x", project)
    assert str(refused.value) == f"Pulumi.x.yaml: file: is {kind}: a stack needs a file of that name"
    assert stackfile.stacks(project) == ()


@pytest.mark.parametrize("stack", ["Prod", "1st", "a.b", "a_b", "../x", "", "a" * 21, "x\n"])
def test_a_stack_name_becomes_part_of_other_names(project: Path, stack: str):
    with pytest.raises(SettingsError) as refused:
        settings.load(stack, project)
    assert refused.value.exit_code == 2
    (line,) = str(refused.value).splitlines()
    assert line.endswith(
        "a lower-case letter, then up to 19 letters, digits or hyphens: "
        "names of buckets and roles are made of it, and AWS allows no more there"
    )


def test_pulumi_refuses_such_a_stack_too(project: Path):
    with pytest.raises(SettingsError, match="a lower-case letter, then"):
        by_pulumi("Prod", project, config={})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("config:\n  concierge:agent: {}\n", "config: is not read here: write it into Pulumi.<stack>.yaml"),
        (
            "stackConfigDir: stacks\n",
            "stackConfigDir: is not read here: stack files stand beside Pulumi.yaml",
        ),
    ],
)
def test_settings_in_the_project_file_are_refused(project: Path, more: str, said: str):
    with (project / "Pulumi.yaml").open("a", encoding="utf-8") as file:
        file.write(more)
    (line,) = refusal(project, "")
    assert re.fullmatch(rf"Pulumi\.yaml:\d+: {re.escape(said)}", line)


def test_only_a_project_of_ours_is_taken(project: Path, root: Path):
    inner = project / "other" / "deep"
    inner.mkdir(parents=True)
    (project / "other" / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
    assert stackfile.root_of(inner) == project
    (project / "Pulumi.yaml").write_text("name: shop\nmain: app/\n", encoding="utf-8")
    assert stackfile.root_of(inner) == root


def test_a_changed_knob_is_read_as_in_the_file(project: Path):
    (project / "Pulumi.x.yaml").write_text("config:\n  concierge:network: text\n", encoding="utf-8")
    changes = {"network.nat": "1:30", "network.a": "yes", "network.b": "2024-99-99", "network.c": "&a [*a]"}
    found = stackfile.read("x", project).changed(changes)
    assert json.loads(found.config["concierge:network"]) == {
        "nat": "1:30",
        "a": "yes",
        "b": "2024-99-99",
        "c": "&a [*a]",
    }


def test_the_defaults_are_safe_for_production():
    tree = Settings()
    assert tree.environment.protect
    assert tree.network.nat == "per-az"
    assert tree.network.endpoint_zones == "all"
    assert len(tree.regions.primary.zones) == 3
    # What only the user can say is missing, and nothing else is to be warned of.
    assert [line.split()[0] for line in tree.warnings()] == [
        "domain.name",
        "agent.image_digest",
        "identity.callback_urls",
        "identity.sender_arn",
        "inference.intent",
        "inference.embed",
        "inference.rerank",
        "operations.drift.repository",
        "environment.monthly_budget_usd",
    ]


def test_what_is_allowed_but_risky_is_warned_of(project: Path):
    text = "config:\n  concierge:network: {nat: single, endpoint_zones: one}\n" + PRIMARY
    assert [line for line in load(project, text).warnings() if line.startswith(("network", "regions"))] == [
        "network.nat is single in a protected environment: losing its zone cuts all egress",
        "network.endpoint_zones is one in a protected environment: losing it cuts off AWS APIs",
        "regions.primary has two zones in a protected environment: NET-1 asks for three",
    ]
    assert any("losing its zone cuts all egress" in line for line in plan.run("x", project).warnings)


def test_the_tree_cannot_be_changed_after_it_was_checked():
    with pytest.raises(ValueError, match="frozen"):
        Settings().network.nat = "none"  # type: ignore[misc]


# Secrets -------------------------------------------------------------------------------------------------

CIPHER = "v1:Yq9cIPHERtext0000:AAAA"


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("  concierge:environment:\n    owner:\n      secure: {}\n", "environment.owner", 3),
        ("  concierge:network:\n    nat: {{secure: {}}}\n", "network.nat", 3),
        ("  concierge:agent:\n    secure: {}\n", "agent", 2),
        ("  concierge:regions:\n    primary:\n      zones: [{{secure: {}}}]\n", "regions.primary.zones.0", 4),
    ],
)
def test_what_is_no_secret_must_not_be_sealed(project: Path, text: str, key: str, line: int):
    """Without the passphrase a plan would take the stand-in for the value itself."""
    lines = refusal(project, "config:\n" + text.format(CIPHER))
    assert (
        f"Pulumi.x.yaml:{line}: concierge:{key}: is sealed with `secure:`, but is no secret: write it openly"
        in lines
    )
    assert not any(part in "\n".join(lines) for part in (CIPHER, "sealed-"))


def test_a_plan_refuses_a_misplaced_secret_too(project: Path):
    (project / "Pulumi.x.yaml").write_text(
        f"config:\n  concierge:environment:\n    owner: {{secure: '{CIPHER}'}}\n", encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=r"environment\.owner: is sealed"):
        plan.run("x", project)


def test_what_the_engine_has_opened_is_refused_all_the_same(monkeypatch: pytest.MonkeyPatch):
    """At `pulumi up` the text arrives decrypted; the engine says only which section it was in."""

    def read_settings() -> None:
        settings.from_pulumi()

    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", '["concierge:environment"]')
    config = {"concierge:environment": '{"owner": "hunter2", "protect": "hunter3"}'}
    with pytest.raises(SettingsError) as refused:
        plan.of_program(read_settings, project="concierge", stack="x", config=config)
    assert str(refused.value) == (
        "Pulumi.x.yaml: concierge:environment: is sealed with `secure:`, but is no secret: write it openly"
    )


class Pager(Section):
    key: SecretStr
    name: str = "night"


class Alerts(Section):
    """A section as one that holds secrets looks."""

    page_key: SecretStr | None = None
    more_keys: tuple[SecretStr, ...] = ()
    pagers: tuple[Pager, ...] = Field((), strict=False)
    teams: Mapping[str, Pager] = {}
    channel: str = "#ops"


class Tree(BaseModel):
    alerts: Alerts


def explained(values: dict[str, Any], sealed: tuple[str, ...] = ()) -> str:
    with pytest.raises(SettingsError) as refused:
        validated(Tree, {"alerts": values}, file="f", lines={}, sealed_sections=sealed)
    return str(refused.value)


def test_a_secret_key_takes_a_sealed_value(project: Path):
    (project / "Pulumi.x.yaml").write_text(
        f"config:\n  concierge:alerts:\n    page_key: {{secure: '{CIPHER}'}}\n", encoding="utf-8"
    )
    read = stackfile.read("x", project)
    assert CIPHER not in str(read.config)
    tree = validated(
        Tree,
        {"alerts": yaml.safe_load(read.config["concierge:alerts"])},
        file="f",
        lines={},
        sealed_sections=["alerts"],
    )
    assert tree.alerts.page_key is not None
    assert stackfile.is_sealed(tree.alerts.page_key.get_secret_value())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"page_key": 12345678}, "page_key: must be text"),
        ({"more_keys": "12345678"}, "more_keys: must be a list, for example [one, two]"),
        ({"pagers": [{"key": 12345678}]}, "pagers.0.key: must be text"),
        (
            {"pagers": [{"keys": "12345678", "key": "a"}]},
            "pagers.0.keys: unknown key; did you mean 'key'? known keys: key, name",
        ),
        ({"pagers": {"a": "12345678"}}, "pagers: must be a list, for example [one, two]"),
        ({"pagers": "12345678"}, "pagers: must be a list, for example [one, two]"),
        ({"teams": {"search": {"key": 12345678}}}, "teams.search.key: must be text"),
    ],
)
def test_the_text_of_a_secret_is_in_no_message(values: dict[str, Any], said: str):
    assert explained(values) == f"f: concierge:alerts.{said}"


def test_nothing_in_a_section_the_engine_opened_secrets_in_is_quoted():
    values = {"channel": 12345678}
    assert explained(values) == "f: concierge:alerts.channel = 12345678: must be text"
    assert explained(values, sealed=("alerts",)) == "f: concierge:alerts.channel: must be text"


# The two ways to read it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_pulumi_and_the_file_give_the_same_tree(root: Path, stack: str):
    assert by_pulumi(stack, root) == settings.load(stack, root)


def test_pulumi_and_the_file_refuse_in_the_same_words(project: Path):
    (by_file,) = refusal(project, "config:\n  concierge:network: {nat: two}\n")
    with pytest.raises(SettingsError) as refused:
        by_pulumi("x", project)
    assert str(refused.value) == by_file.replace("Pulumi.x.yaml:2:", "Pulumi.x.yaml:")


# The real files ------------------------------------------------------------------------------------------

# A region's name, block and zones are read together, so both files write the primary out in full.
WRITTEN_ANYWAY = ("regions.primary.",)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    else:
        yield path, value


def written(root: Path, stack: str) -> dict[str, Any]:
    """section.key -> value of everything of ours in a stack file."""
    config = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    ours = {
        key.removeprefix("concierge:"): value for key, value in config.items() if key.startswith("concierge:")
    }
    return dict(leaves(ours))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_no_knob_repeats_its_default(root: Path, stack: str):
    defaults = dict(leaves(Settings().model_dump(mode="json")))
    knobs = written(root, stack)
    assert knobs
    repeated = [key for key, value in knobs.items() if defaults.get(key) == value]
    assert [key for key in repeated if not key.startswith(WRITTEN_ANYWAY)] == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_knob_says_why(root: Path, stack: str):
    """The line above a knob is a comment; a knob is `section.key`, or `pulumi:...` itself."""
    lines = (root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8").splitlines()
    knobs = {n for n, line in enumerate(lines) if re.match(r"    \w|  pulumi:", line)}
    assert len(knobs) > 1
    assert [lines[n] for n in knobs if not lines[n - 1].lstrip().startswith("#")] == []


def undescribed(model: type[BaseModel]) -> Iterator[str]:
    """Keys without a description, but for those that only hold other models."""
    for name, found in model.model_fields.items():
        kinds = typing.get_args(found.annotation) or (found.annotation,)
        holds = any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds)
        if not holds and not found.description:
            yield f"{model.__name__}.{name}"
        elif holds and len(kinds) == 1:
            yield from undescribed(kinds[0])


def test_every_key_of_the_tree_is_described():
    assert [*undescribed(Settings)] == []


def test_regions_of_production_are_apart(root: Path):
    places = settings.load("prod", root).places
    assert list(places) == ["primary", "standby"]
    primary, standby = (ipaddress.IPv4Network(place.cidr) for place in places.values())
    assert not primary.overlaps(standby)
