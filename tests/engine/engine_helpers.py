"""The real `pulumi`, in a home of its own: file backend, no network, our provider in the place of AWS."""

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.engine.language_helpers import EXECUTOR, language_host
from tests.engine.provider_helpers import World, provider

PASSPHRASE = "correct horse battery staple"
# Longer than any command takes on two busy cores.
LIMIT_S = 600
# What a shell may hand down that would change what the engine does, or whom it asks.
_FOREIGN = ("AWS_", "PULUMI_", "CONCIERGE_")
SAME = "same"


@dataclass(frozen=True)
class Step:
    """What the engine did, or would do, with one resource."""

    op: str
    urn: str
    type: str
    keys: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Outcome:
    """One command: how it ended, what it said, what it did."""

    code: int
    told: str
    events: tuple[Mapping[str, Any], ...]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Everything but what stays as it is, in the order it was begun."""
        return tuple(
            Step(step["op"], step["urn"], step["type"], tuple(step.get("keys") or ()))
            for step in self._all("resourcePreEvent", "metadata")
            if step["op"] != SAME
        )

    def done(self, op: str) -> list[str]:
        return [step.name for step in self.steps if step.op == op]

    @property
    def counts(self) -> Mapping[str, int]:
        """The summary the engine prints."""
        return dict(next(iter(self._all("summaryEvent", "resourceChanges")), {}))

    @property
    def diagnostics(self) -> dict[str, list[str]]:
        """Severity -> messages."""
        found: dict[str, list[str]] = {}
        for event in self.events:
            if diagnostic := event.get("diagnosticEvent"):
                found.setdefault(diagnostic["severity"], []).append(diagnostic["message"].strip())
        return found

    @property
    def violations(self) -> list[Mapping[str, Any]]:
        return [event["policyEvent"] for event in self.events if event.get("policyEvent")]

    def _all(self, kind: str, part: str) -> Iterator[Any]:
        return (event[kind][part] for event in self.events if event.get(kind))


class Engine:
    """One project with one stack; its world lives as long as this does."""

    def __init__(self, cli: Path, root: Path, folder: Path, stack: str, world: World | None = None) -> None:
        self.world = world or World()
        self.stack = stack
        self.folder = folder / "project"
        self._cli, self._root, self._home = cli, root, folder / "home"
        self._open = ExitStack()
        self._environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        for folder in (self.folder, self._home, self._home / "state"):
            folder.mkdir(parents=True, exist_ok=True)
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)},
            "PULUMI_HOME": str(self._home),
            "PULUMI_BACKEND_URL": f"file://{self._home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # Or it does not know --event-log.
            "PULUMI_DEBUG_COMMANDS": "true",
            # The state is written once, at the end, not after each of a thousand steps.
            "PULUMI_EXPERIMENTAL": "true",
            "PULUMI_SKIP_CHECKPOINTS": "true",
            "PULUMI_DEBUG_PROVIDERS": f"aws:{self._open.enter_context(provider(self.world))}",
            **self._language(),
        }
        if not self.state_file.exists():
            for file in ("Pulumi.yaml", f"Pulumi.{self.stack}.yaml"):
                shutil.copy(self._root / file, self.folder)
            (self.folder / "stacks").symlink_to(self._root / "stacks")
            self.run("stack", "init", self.stack)
        return self

    def copied(self, folder: Path) -> "Engine":
        """The same project, state and world once more, to do something to."""
        shutil.copytree(self.folder, folder / "project", symlinks=True)
        shutil.copytree(self._home, folder / "home")
        return Engine(self._cli, self._root, folder, self.stack, self.world.copied())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _language(self) -> Mapping[str, str]:
        """The host that came with `pulumi`, where one did."""
        if (self._cli.parent / "pulumi-language-python").exists():
            return {}
        port = self._open.enter_context(language_host(self._cli.parent / EXECUTOR))
        return {"PULUMI_DEBUG_LANGUAGES": f"python:{port}"}

    def beside(self, folder: Path, stack: str) -> "Engine":
        """A new stack of the project in `folder`, in the same backend and over the same world."""
        other = copy.copy(self)
        other.folder, other.stack = folder, stack
        other.run("stack", "init", stack)
        return other

    # What people type

    def preview(self, *options: str) -> Outcome:
        return self._operate("preview", *options)

    def up(self, *options: str) -> Outcome:
        return self._operate("up", "--yes", "--skip-preview", *options)

    def refresh(self, *options: str) -> Outcome:
        return self._operate("refresh", "--yes", "--skip-preview", *options)

    def destroy(self, *options: str) -> Outcome:
        return self._operate("destroy", "--yes", *options)

    def run(self, *words: str) -> str:
        """Any other command, which must succeed."""
        done = self._call(*words)
        assert done.returncode == 0, f"pulumi {' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def _operate(self, command: str, *options: str) -> Outcome:
        log = self._home / "events.json"
        log.unlink(missing_ok=True)
        done = self._call(command, "--event-log", str(log), *options)
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return Outcome(done.returncode, done.stdout + done.stderr, tuple(map(json.loads, lines)))

    def _call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        which = () if words[:2] == ("stack", "init") else ("--stack", self.stack)
        return subprocess.run(
            [str(self._cli), *words, "--non-interactive", "--color", "never", *which],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    # What there is

    @property
    def state_file(self) -> Path:
        return self._home / "state" / ".pulumi" / "stacks" / "concierge" / f"{self.stack}.json"

    def state(self) -> list[Mapping[str, Any]]:
        """The resources in the state file, as written there."""
        document = json.loads(self.state_file.read_text(encoding="utf-8"))
        return document["checkpoint"]["latest"].get("resources") or []

    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json"))
        return found

    def everything_written(self) -> str:
        """Every text below the backend: the state, its history, its backups."""
        files = (path for path in (self._home / "state").rglob("*") if path.is_file())
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)

    def setting(self, changes: Mapping[str, Any]) -> None:
        """Writes knobs into the stack's file: `{"network.nat": "single"}`."""
        document = yaml.safe_load(self.stack_file.read_text(encoding="utf-8"))
        for knob, value in changes.items():
            section, *steps, last = knob.split(".")
            place = document["config"].setdefault(f"concierge:{section}", {})
            for step in steps:
                place = place.setdefault(step, {})
            place[last] = value
        self.stack_file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    @contextmanager
    def changed(self, changes: Mapping[str, Any]) -> Iterator[None]:
        """These knobs as long as it is open."""
        before = self.stack_file.read_text(encoding="utf-8")
        self.setting(changes)
        try:
            yield
        finally:
            self.stack_file.write_text(before, encoding="utf-8")

    @property
    def stack_file(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"
