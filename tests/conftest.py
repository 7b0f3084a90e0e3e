"""What every test may ask for: the plans of both stacks, made once, and a project to write stack files in."""

import gc
import hashlib
import json
import os
import shutil
import signal
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Protocol

import hypothesis
import pytest

import plan
from plan import Plan
from tests.sharing_helpers import folder_of, once

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    # Plans and AWS's models stay for the whole run: to look them through for garbage took a fifth of it.
    gc.set_threshold(100_000, 50, 100)
    # A shell starts background jobs with Ctrl-C ignored, and children inherit that: tests that interrupt one
    # of their own must not depend on how they were started.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # A busy machine is no failure of what is tested, and the same tree gives the same result every time;
    # new stories are looked for where there is time to look (make prove-long).
    explore = config.option.markexpr == "long"
    hypothesis.settings.register_profile("unhurried", deadline=None, derandomize=not explore)
    hypothesis.settings.load_profile("unhurried")
    # The AWS SDK warns of its own deprecated classes when it defines them, used or not. Using one is logged
    # by Pulumi in other words, and a plan keeps that among its warnings.
    config.addinivalue_line(
        "filterwarnings", r"ignore:\S+ has been deprecated in favor of:DeprecationWarning"
    )


@pytest.fixture
def nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients ask the mock of this process, and not a server whose address longer-lived fixtures left."""
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


class Planned(Protocol):
    """Gives the plan of one of our stacks; `changes` turns settings: `{"agent.host": "agentcore"}`."""

    def __call__(self, stack: str, changes: Mapping[str, str] | None = None) -> Plan: ...


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Planned:
    """Each plan is made when first asked for, once in a test run."""
    folder = folder_of(tmp_path_factory, worker_id)

    @cache
    def of(stack: str, changes: tuple[tuple[str, str], ...]) -> Plan:
        key = hashlib.sha256(json.dumps([stack, changes]).encode()).hexdigest()[:16]
        return once(folder, f"plan-{key}", lambda: plan.once(stack, ROOT, dict(changes)))

    return lambda stack, changes=None: of(stack, tuple(sorted((changes or {}).items())))


@pytest.fixture
def shared_plans(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who plans a stack of this checkout gets the plan that the tests share, not two runs of its program."""
    real = plan.run

    def run(stack: str, root: Path | None = None, changes: Mapping[str, str] | None = None) -> Plan:
        return planned(stack, changes) if root in (None, ROOT) else real(stack, root, changes)

    monkeypatch.setattr(plan, "run", run)


@pytest.fixture(scope="session")
def dev(planned: Planned) -> Plan:
    return planned("dev")


@pytest.fixture(scope="session")
def prod(planned: Planned) -> Plan:
    return planned("prod")


@pytest.fixture(scope="session", params=["dev", "prod"])
def either(request: pytest.FixtureRequest, planned: Planned) -> Plan:
    """A test that takes this runs once for each stack."""
    return planned(request.param)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project of ours: a folder with Pulumi.yaml and no stack yet."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    return tmp_path
