"""The runtime's own lock, beside the one of everything."""

from pathlib import Path

import pytest

from artifact import lock
from artifact.errors import ArgumentError


def test_both_locks_have_the_same_versions(root: Path):
    """What is shipped is what everything was tested with."""
    pins = {pin.name: pin.version for pin in lock.read(root / "requirements/all.txt", "3.13")}
    shipped = {pin.name: pin.version for pin in lock.read(root / "requirements/runtime.txt", "3.13")}
    assert shipped.items() <= pins.items()


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_the_lock_is_of_this_pyproject(root: Path, python: str):
    file = root / "requirements/runtime.txt"
    lock.check(file, lock.read(file, python), lock.asked_for(root / "pyproject.toml"))


def test_a_pin_for_another_platform_is_not_ours(tmp_path: Path):
    text = "".join(
        f"{name}==1.0 ; {marker} \\\n    --hash=sha256:{'a' * 64}\n"
        for name, marker in {
            "old": "python_full_version < '3.12'",
            "windows": "sys_platform == 'win32'",
            "arm": "platform_machine == 'aarch64'",
        }.items()
    )
    (tmp_path / "lock.txt").write_text(text)
    assert [pin.text for pin in lock.read(tmp_path / "lock.txt", "3.13")] == ["arm==1.0"]
    assert [pin.text for pin in lock.read(tmp_path / "lock.txt", "3.11")] == ["old==1.0", "arm==1.0"]


def test_what_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(ArgumentError, match="`make lock` writes it"):
        lock.read(tmp_path / "lock.txt", "3.13")
    with pytest.raises(ArgumentError, match="run this inside the repository"):
        lock.asked_for(tmp_path / "pyproject.toml")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(ArgumentError, match="there is no extra `runtime`"):
        lock.asked_for(tmp_path / "pyproject.toml")
