"""`artifact.build` on a small project with wheels of its own: what goes in, what is refused, what stays."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from artifact.build import Artifact
from artifact.errors import ArgumentError, RefusedError
from tests.artifact.wheel_helpers import AARCH64, ARM, X86, X86_64, Project, elf, wheel

Package = Callable[..., Artifact]


def names(made: Artifact) -> list[str]:
    with zipfile.ZipFile(made.path) as archive:
        return archive.namelist()


def test_what_runs_is_inside_and_nothing_else(made: Project, package: Package):
    theirs = {"__init__.py": b"", "_fast.so": AARCH64, "_fast.pyi": b"", "tests/test_x.py": b""}
    made.add("quick", tag=f"cp313-cp313-{ARM}", files={f"quick/{path}": c for path, c in theirs.items()})
    inside = names(package())

    assert inside == sorted(inside)
    assert {
        "main.py",
        "runtime/__main__.py",
        "runtime/words.toml",
        "contract/__init__.py",
        "quick/_fast.so",
    } <= {*inside}
    assert {"botocore/data/endpoints.json", "botocore/data/ssm/2020-01-01/service-2.json"} <= {*inside}
    left_out = (
        "runtime/testing/",
        "botocore/data/sagemaker/",
        "quick/tests/",
        "quick/_fast.pyi",
        "__pycache__",
    )
    assert not [
        path for path in inside if path.startswith(left_out) or path.endswith(("RECORD", "INSTALLER", ".pyc"))
    ]


def test_two_builds_in_two_places_are_the_same_bytes(made: Project, package: Package, tmp_path: Path):
    one = package(out=tmp_path / "one")
    (made.root / "runtime" / "__main__.py").touch()
    (made.root / "runtime" / "__pycache__").mkdir()
    (made.root / "runtime" / "__pycache__" / "old.pyc").write_bytes(b"time")
    two = package(out=tmp_path / "two")

    assert one.digest == two.digest == f"sha256:{hashlib.sha256(two.path.read_bytes()).hexdigest()}"
    assert [file.read_bytes() for file in one.beside] == [file.read_bytes() for file in two.beside]


def test_a_changed_line_is_another_digest(made: Project, package: Package):
    before = package().digest
    made.ours("runtime/__main__.py", "def main() -> int:\n    return 1\n")
    assert package().digest != before


def test_the_bill_is_cyclonedx_and_names_every_package(package: Package):
    beside = {file.name: file.read_text() for file in package().beside}

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(beside["bill.cdx.json"]) is None
    components = json.loads(beside["bill.cdx.json"])["components"]
    assert [(c["purl"], c["licenses"]) for c in components] == [
        ("pkg:pypi/botocore@1.0", [{"license": {"id": "MIT"}}])
    ]
    assert beside["licences.txt"].splitlines() == ["botocore 1.0\tMIT", "concierge \tproprietary"]


def test_sizes_by_package_add_up_to_the_whole(made: Project, package: Package):
    made.add("quick", files={"quick/__init__.py": b"x" * 5_000})
    built = package()
    assert sum(part.bytes for part in built.parts) == built.unpacked_bytes
    assert built.parts[0].name == "quick"


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("_fast.so", X86_64, "an ELF file for x86-64"),
        ("_fast.so", elf(40, bits=1), "an ELF file for 32-bit ARM"),
        ("_fast.so", elf(183, little=2), "an ELF file for machine 183"),
        ("helper", X86_64, "an ELF file for x86-64"),
        ("_fast.so", b"\xcf\xfa\xed\xfe" + bytes(40), "a Mach-O file for macOS"),
        ("_fast.pyd", b"MZ" + bytes(40), "a Windows file"),
        ("_fast.so", b"#!/bin/sh", "no ELF file"),
    ],
)
def test_what_is_not_built_for_arm64_is_refused_whatever_its_wheel_says(
    made: Project, package: Package, name: str, content: bytes, what: str
):
    made.add("poison", files={"poison/__init__.py": b"", f"poison/{name}": content})
    with pytest.raises(RefusedError, match=rf"poison/{name} is {what}, not 64-bit ARM"):
        package()
    assert not (made.root / "out").exists()


def test_a_wheel_for_x86_is_no_wheel(made: Project, package: Package):
    made.add("poison", "2.0", tag=f"cp313-cp313-{X86}")
    with pytest.raises(
        RefusedError, match=r"poison 2\.0 has no ARM64 wheel for Python 3\.13, and no other version"
    ):
        package()


def test_a_missing_wheel_is_told_with_the_newest_version_that_has_one(made: Project, package: Package):
    made.add("poison", "2.0", tag=f"cp313-cp313-{X86}")
    for version in ("1.1", "1.2"):
        wheel(made.wheels, "poison", version, f"cp313-cp313-{ARM}", {"poison/__init__.py": b""})
    with pytest.raises(
        RefusedError, match=r"poison 2\.0 has no .* the newest version that has one is 1\.2: "
    ):
        package()


def test_a_package_that_comes_only_as_source_is_refused(made: Project, package: Package):
    file = made.wheels / "poison-1.0.tar.gz"
    file.write_bytes(b"no archive; nobody opens it")
    made.pin("poison", "1.0", file)
    with pytest.raises(RefusedError, match=r"poison 1\.0 has no ARM64 wheel"):
        package()


def test_a_wheel_with_another_hash_is_refused(made: Project, package: Package):
    made.add("poison")
    wheel(made.wheels, "poison", "1.0", "py3-none-any", {"poison/__init__.py": b"other"})
    with pytest.raises(RefusedError, match=r"do not fit .*runtime\.txt: .*[Hh]ash"):
        package()


def test_a_lock_that_is_not_of_this_pyproject_is_refused(made: Project, package: Package):
    made.wants += ["newcomer>=1"]
    made.wants[0] = "botocore>=2"
    made.write()
    with pytest.raises(RefusedError) as refused:
        package()
    assert str(refused.value) == (
        "requirements/runtime.txt does not match pyproject.toml: botocore 1.0 is not >=2; "
        "newcomer>=1 is not in it; run `make lock`"
    )


@pytest.mark.parametrize("line", ["poison>=1 --hash=sha256:" + "a" * 64, "poison==1.0"])
def test_a_lock_with_a_loose_line_is_refused(made: Project, package: Package, line: str):
    made.ours("requirements/runtime.txt", f"{line}\n")
    with pytest.raises(RefusedError, match="poison has no exact version with a hash"):
        package()


def test_our_own_file_that_is_no_python_is_refused(made: Project, package: Package):
    made.ours("runtime/broken.py", "def f(:\n")
    with pytest.raises(RefusedError, match=r"runtime/broken\.py is no Python"):
        package()


def test_without_the_services_it_calls_it_is_refused(tmp_path: Path, package: Package):
    bare = Project(tmp_path / "bare")
    bare.add("other")
    with pytest.raises(RefusedError, match="botocore/data/ssm/ is missing"):
        package(root=bare.root, wheels=bare.wheels)


def test_too_large_is_refused(made: Project, package: Package, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("artifact.rules.MB", 1)
    with pytest.raises(RefusedError, match=r"MB zipped; AgentCore takes 250 MB"):
        package()


def test_a_refusal_leaves_what_was_there_before(made: Project, package: Package):
    before = package()
    content = before.path.read_bytes()
    made.add("poison", files={"poison/x.so": X86_64})
    with pytest.raises(RefusedError):
        package()
    assert before.path.read_bytes() == content
    assert sorted(p.name for p in made.root.iterdir() if p.name.startswith(".")) == []


def test_a_folder_that_is_not_ours_is_not_replaced(made: Project, package: Package, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ArgumentError, match="there is something else in it"):
        package(out=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_the_bare_folder_is_what_is_in_the_zip(package: Package, tmp_path: Path):
    folder = package(target="folder", out=tmp_path / "folder").path
    found = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    assert found == names(package())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"python": "3.10"}, "--python 3.10: there are 3.11, 3.12, 3.13"),
        ({"target": "image"}, "--target image needs --base"),
        ({"base": "x"}, "--base is for --target image alone"),
    ],
)
def test_wrong_use_is_told(package: Package, options: dict[str, str], said: str):
    with pytest.raises(ArgumentError, match=said):
        package(**options)
