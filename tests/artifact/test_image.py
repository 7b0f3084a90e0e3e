"""The OCI image: on a base from a folder or a registry on loopback, and nothing in it of this machine."""

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from artifact.build import Artifact
from artifact.errors import ArgumentError, RefusedError, UnreachableError

Package = Callable[..., Artifact]
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Image:
    """A base with a layer that nobody looks into, as the blobs of a registry."""

    architecture: str = "arm64"
    blobs: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = {
            "os": "linux",
            "architecture": self.architecture,
            "config": {"Env": ["PATH=/usr/bin", "PYTHONPATH=/elsewhere"], "User": "root", "Cmd": ["bash"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "d" * 64]},
        }
        layer = self._keep(b"a compressed layer")
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"digest": self._keep(json.dumps(config).encode())},
            "layers": [{"mediaType": GZIP, "digest": layer}],
        }
        mine = {"os": "linux", "architecture": self.architecture}
        other = {"os": "linux", "architecture": "riscv64"}
        index = {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [
                {"digest": digest(b"another"), "platform": other},
                {"digest": self._keep(json.dumps(manifest).encode()), "platform": mine},
            ],
        }
        self.index = self._keep(json.dumps(index).encode())

    def _keep(self, content: bytes) -> str:
        self.blobs[digest(content)] = content
        return digest(content)

    def layout(self, folder: Path) -> Path:
        (folder / "blobs" / "sha256").mkdir(parents=True)
        for name, content in self.blobs.items():
            (folder / "blobs" / name.replace(":", "/")).write_bytes(content)
        (folder / "index.json").write_text(json.dumps({"manifests": [{"digest": self.index}]}))
        return folder


class Registry(ThreadingHTTPServer):
    """The pull half of a registry that wants everybody to fetch a token first."""

    def __init__(self, image: Image) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.image = image
        self.tokens: list[Mapping[str, list[str]]] = []

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.server_port}/team/python"


class Answers(BaseHTTPRequestHandler):
    """`/token`, `/v2/team/python/{manifests,blobs}/DIGEST`."""

    server: Registry

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/token":
            self.server.tokens.append(parse_qs(parts.query))
            return self._send(200, json.dumps({"token": "t0k3n"}).encode())
        if parts.path.startswith(
            "/storage/"
        ):  # as registries do: blobs lie elsewhere, and our token is no business of theirs
            assert "Authorization" not in self.headers
            return self._send(200, self.server.image.blobs[parts.path.rpartition("/")[2]])
        if self.headers.get("Authorization") != "Bearer t0k3n":
            realm = f"http://127.0.0.1:{self.server.server_port}/token"
            scope = "repository:team/python:pull"
            challenge = f'Bearer realm="{realm}",service="here",scope="{scope}"'
            return self._send(401, b"{}", {"WWW-Authenticate": challenge})
        content = self.server.image.blobs.get(parts.path.rpartition("/")[2])
        if content is None or not parts.path.startswith("/v2/team/python/"):
            return self._send(404, b"{}")
        if "/blobs/" in parts.path:
            elsewhere = f"http://localhost:{self.server.server_port}/storage/{parts.path.rpartition('/')[2]}"
            return self._send(307, b"", {"Location": elsewhere})
        return self._send(200, content)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def registry() -> Iterator[Registry]:
    server = Registry(Image())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def opened(made: Artifact) -> tuple[Mapping[str, Any], Mapping[str, Any], dict[str, bytes]]:
    """(manifest, configuration, blobs) of a layout, every blob checked against its name."""
    blobs = {f"sha256:{file.name}": file.read_bytes() for file in (made.path / "blobs" / "sha256").iterdir()}
    assert all(digest(content) == name for name, content in blobs.items())
    (entry,) = json.loads((made.path / "index.json").read_text())["manifests"]
    assert (entry["digest"], entry["platform"]) == (made.digest, {"os": "linux", "architecture": "arm64"})
    manifest = json.loads(blobs[made.digest])
    return manifest, json.loads(blobs[manifest["config"]["digest"]]), blobs


def test_the_image_stands_on_its_base_and_adds_one_layer(package: Package, tmp_path: Path):
    made = package(target="image", base=str(Image().layout(tmp_path / "base")))
    manifest, config, blobs = opened(made)

    assert json.loads((made.path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    kinds = [layer["mediaType"].rpartition(".")[2] for layer in manifest["layers"]]
    assert kinds == ["tar+gzip", "tar"]
    assert all(len(blobs[layer["digest"]]) == layer["size"] for layer in manifest["layers"])
    assert config["rootfs"]["diff_ids"] == ["sha256:" + "d" * 64, manifest["layers"][1]["digest"]]
    assert (config["os"], config["architecture"]) == ("linux", "arm64")


def test_it_runs_as_nobody_from_a_folder_it_cannot_write_to(package: Package, tmp_path: Path):
    manifest, config, blobs = opened(package(target="image", base=str(Image().layout(tmp_path / "base"))))

    assert config["config"]["User"] == "65532:65532"
    assert config["config"]["Entrypoint"] == ["python3", "/app/main.py"]
    assert "Cmd" not in config["config"]
    assert config["config"]["Env"] == ["PATH=/usr/bin", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"]
    with tarfile.open(fileobj=io.BytesIO(blobs[manifest["layers"][1]["digest"]])) as layer:
        entries = layer.getmembers()
    assert {(e.uid, e.gid, e.mtime, e.uname) for e in entries} == {(0, 0, 0, "")}
    assert {oct(e.mode) for e in entries} == {"0o644", "0o755"}
    assert {e.name for e in entries if e.isfile()} >= {"app/main.py", "app/runtime/__main__.py"}


def test_two_images_are_the_same(package: Package, tmp_path: Path):
    base = str(Image().layout(tmp_path / "base"))
    assert package(target="image", base=base).digest == package(target="image", base=base).digest


def test_a_base_out_of_a_registry_is_the_same_as_out_of_a_folder(
    package: Package, registry: Registry, tmp_path: Path
):
    image = registry.image
    pulled, _, _ = opened(package(target="image", base=f"{registry.name}@{image.index}"))
    copied, _, _ = opened(package(target="image", base=str(image.layout(tmp_path / "base"))))

    assert pulled["layers"] == copied["layers"]
    assert registry.tokens[0] == {"service": ["here"], "scope": ["repository:team/python:pull"]}


def test_what_a_registry_sends_must_be_what_was_asked_for(package: Package, registry: Registry):
    registry.image.blobs[registry.image.index] += b" "
    with pytest.raises(RefusedError, match=r"what it sent for sha256:\w+ is something else"):
        package(target="image", base=f"{registry.name}@{registry.image.index}")


def test_a_base_for_another_processor_is_refused(package: Package, tmp_path: Path):
    base = Image("amd64").layout(tmp_path / "base")
    with pytest.raises(RefusedError, match="has nothing for linux/arm64"):
        package(target="image", base=str(base))


def test_a_base_that_is_not_there_is_told(package: Package, registry: Registry, tmp_path: Path):
    with pytest.raises(ArgumentError, match="has no such image"):
        package(target="image", base=f"{registry.name}@{digest(b'nothing')}")
    with pytest.raises(ArgumentError, match="no OCI layout is there"):
        package(target="image", base=str(tmp_path))
    with pytest.raises(ArgumentError, match="a tag may move"):
        package(target="image", base="registry.example/python:3.13")


def test_a_base_that_is_no_image_is_refused(package: Package, tmp_path: Path):
    image = Image()
    image.index = image._keep(b'{"schemaVersion": 2}')
    with pytest.raises(RefusedError, match="is no image as OCI describes one"):
        package(target="image", base=str(image.layout(tmp_path / "base")))


def test_a_registry_that_is_silent_decides_nothing(package: Package, registry: Registry):
    registry.shutdown()
    registry.server_close()
    with pytest.raises(UnreachableError, match="does not answer"):
        package(target="image", base=f"{registry.name}@{registry.image.index}")


def test_the_dockerfile_says_the_same_as_the_image(package: Package, root: Path, tmp_path: Path):
    _, config, _ = opened(package(target="image", base=str(Image().layout(tmp_path / "base"))))
    text = (root / "artifact" / "Dockerfile").read_text()
    said = dict(
        line.split(" ", 1) for line in text.partition("FROM --platform=linux/arm64")[2].splitlines()[1:]
    )

    image = config["config"]
    assert json.loads(said["ENTRYPOINT"]) == image["Entrypoint"]
    assert said["USER"] == image["User"]
    assert said["WORKDIR"] == image["WorkingDir"]
    assert said["STOPSIGNAL"] == image["StopSignal"]
    assert [said["EXPOSE"]] == list(image["ExposedPorts"])
    assert said["ENV"].split() == image["Env"][1:]
    assert said["COPY"].split()[1:] == ["/out/app", image["WorkingDir"]]
