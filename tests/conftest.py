"""What every test may ask for: the plans of both stacks, made once, and a project to write stack files in."""

import shutil
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import plan
from plan import Plan

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts background jobs with Ctrl-C ignored, and children inherit that: tests that interrupt one
    # of their own must not depend on how they were started.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # The AWS SDK warns of its own deprecated classes when it defines them, used or not. Using one is logged
    # by Pulumi in other words, and a plan keeps that among its warnings.
    config.addinivalue_line(
        "filterwarnings", r"ignore:\S+ has been deprecated in favor of:DeprecationWarning"
    )


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def plans() -> Callable[[str], Plan]:
    """Stack name -> its plan; each is made when first asked for."""
    return cache(lambda stack: plan.run(stack, ROOT))


@pytest.fixture(scope="session")
def dev(plans: Callable[[str], Plan]) -> Plan:
    return plans("dev")


@pytest.fixture(scope="session")
def prod(plans: Callable[[str], Plan]) -> Plan:
    return plans("prod")


@pytest.fixture(scope="session", params=["dev", "prod"])
def either(request: pytest.FixtureRequest, plans: Callable[[str], Plan]) -> Plan:
    """A test that takes this runs once for each stack."""
    return plans(request.param)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project of ours: a folder with Pulumi.yaml and no stack yet."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    return tmp_path
