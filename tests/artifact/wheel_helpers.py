"""A project of one file with a lock and a folder of wheels, made for a test: nothing is asked of an index."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artifact.recipe import recipe

ARM, X86 = "manylinux_2_17_aarch64", "manylinux_2_17_x86_64"
PURE = "py3-none-any"


def elf(machine: int, *, bits: int = 2, little: int = 1) -> bytes:
    """The head of an ELF file for a machine."""
    return (
        b"\x7fELF"
        + bytes([bits, little, 1])
        + bytes(9)
        + (3).to_bytes(2, "little")
        + machine.to_bytes(2, "little")
    )


AARCH64, X86_64 = elf(183), elf(62)


@dataclass
class Project:
    """What `artifact` reads of a repository, and the wheels its lock names."""

    root: Path
    wants: list[str] = field(default_factory=list)
    _locked: list[str] = field(default_factory=list)

    @property
    def wheels(self) -> Path:
        return self.root / "wheels"

    def __post_init__(self) -> None:
        self.wheels.mkdir(parents=True)
        (self.root / "requirements").mkdir()
        for file, text in {
            "contract/__init__.py": "",
            "runtime/__init__.py": "",
            "runtime/__main__.py": "def main() -> int:\n    return 0\n",
            "runtime/words.toml": "hello = 'ciao'\n",
            "runtime/testing/__init__.py": "",
        }.items():
            self.ours(file, text)

    def ours(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def add(
        self, name: str, version: str = "1.0", tag: str = PURE, files: Mapping[str, bytes] | None = None
    ) -> Path:
        """A wheel in the folder, pinned by its hash in the lock and asked for by the project."""
        file = wheel(self.wheels, name, version, tag, files or {f"{name}/__init__.py": b""})
        self.pin(name, version, file)
        return file

    def pin(self, name: str, version: str, file: Path) -> None:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        self._locked.append(f"{name}=={version} \\\n    --hash=sha256:{digest}\n    # via -r -\n")
        self.wants.append(f"{name}>=0.1")
        self.write()

    def write(self) -> None:
        """The lock and pyproject.toml, as they are now."""
        self.ours("requirements/runtime.txt", "# made by hand\n" + "".join(self._locked))
        wants = ", ".join(f'"{want}"' for want in self.wants)
        self.ours("pyproject.toml", f"[project.optional-dependencies]\nruntime = [{wants}]\n")

    def botocore(self) -> None:
        """With one service that nobody calls."""
        services = (*recipe().services, "sagemaker")
        models = {f"botocore/data/{service}/2020-01-01/service-2.json": b"{}" for service in services}
        self.add(
            "botocore", files={"botocore/__init__.py": b"", "botocore/data/endpoints.json": b"{}", **models}
        )


def wheel(folder: Path, name: str, version: str, tag: str, files: Mapping[str, bytes]) -> Path:
    """Writes a wheel as the format wants it."""
    info = f"{name}-{version}.dist-info"
    pure = "true" if tag == PURE else "false"
    about = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", "License-Expression: MIT", ""]
    how = ["Wheel-Version: 1.0", "Generator: test", f"Root-Is-Purelib: {pure}", f"Tag: {tag}", ""]
    whole = {
        **files,
        f"{info}/METADATA": "\n".join(about).encode(),
        f"{info}/WHEEL": "\n".join(how).encode(),
    }
    rows = [f"{path},sha256={_sum(content)},{len(content)}" for path, content in whole.items()]
    whole[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    file = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, content in whole.items():
            archive.writestr(path, content)
    return file


def _sum(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
