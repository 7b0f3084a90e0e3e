"""What is in the artifact, for those who must know: a CycloneDX bill, licences, and size by package."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from artifact.tree import Tree, top

OURS = "concierge"


@dataclass(frozen=True)
class Part:
    """One package, with what it weighs and whose licence it has."""

    name: str
    version: str
    licence: str
    bytes: int
    files: int


def parts(tree: Tree) -> tuple[Part, ...]:
    """Every package by size, the largest first; ours is one of them."""
    owners = _owners(tree)
    sizes: dict[str, list[int]] = {}
    for path, content in tree.items():
        sizes.setdefault(owners.get(top(path), OURS), []).append(len(content))
    headers = {str(canonicalize_name(str(found["Name"]))): found for found in _metadata(tree).values()}
    found = [
        Part(
            name=name,
            version=str(headers[name]["Version"]) if name in headers else "",
            licence=_licence(headers[name]) if name in headers else "proprietary",
            bytes=sum(each),
            files=len(each),
        )
        for name, each in sizes.items()
    ]
    return tuple(sorted(found, key=lambda part: (-part.bytes, part.name)))


def _metadata(tree: Tree) -> dict[str, Message]:
    """Folder of metadata -> its headers."""
    return {
        top(path): BytesHeaderParser().parsebytes(content)
        for path, content in tree.items()
        if path.endswith(".dist-info/METADATA") and path.count("/") == 1
    }


def _owners(tree: Tree) -> dict[str, str]:
    """Top folder or module -> the package it came with: by name, or by the one metadata left over."""
    names = {folder: str(canonicalize_name(str(found["Name"]))) for folder, found in _metadata(tree).items()}
    owners = dict(names)
    tops = {top(path) for path in tree} - names.keys()
    for name in names.values():
        for each in tops:
            if canonicalize_name(each.removesuffix(".py").partition(".")[0]) in {name, *_ALSO.get(name, ())}:
                owners[each] = name
    return owners


# Packages whose modules have another name.
_ALSO = {
    "attrs": ("attr", "attrs"),
    "grpcio": ("grpc",),
    "protobuf": ("google",),
    "python-dateutil": ("dateutil",),
}


def _licence(headers: Message) -> str:
    """The SPDX expression where there is one, else what the author wrote in a line."""
    if expression := headers.get("License-Expression"):
        return str(expression)
    for classifier in headers.get_all("Classifier", []):
        if classifier.startswith("License :: "):
            return str(classifier.rpartition(" :: ")[2])
    return str(headers.get("License", "unknown")).partition("\n")[0].strip() or "unknown"


def licences(found: Sequence[Part]) -> str:
    """The list a lawyer reads."""
    return "".join(
        f"{part.name} {part.version}\t{part.licence}\n" for part in sorted(found, key=lambda p: p.name)
    )


def sizes(found: Sequence[Part]) -> str:
    """Bytes and files by package, the largest first."""
    return "".join(f"{part.bytes}\t{part.files}\t{part.name} {part.version}\n" for part in found)


def bill(found: Sequence[Part], digest: str) -> str:
    """CycloneDX in JSON; its number is made of the artifact's digest, so that it is the same every time."""
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, digest))
    bom.metadata.timestamp = None  # type: ignore[assignment]
    bom.metadata.tools.components.clear()
    bom.metadata.component = Component(
        name="concierge-agent", type=ComponentType.APPLICATION, version=digest, bom_ref="concierge-agent"
    )
    for part in found:
        if part.name != OURS:
            purl = PackageURL("pypi", name=part.name, version=part.version)
            bom.components.add(
                Component(
                    name=part.name,
                    version=part.version,
                    type=ComponentType.LIBRARY,
                    purl=purl,
                    bom_ref=str(purl),
                    licenses=[LicenseFactory().make_from_string(part.licence)],
                )
            )
    bom.register_dependency(bom.metadata.component, list(bom.components))
    text: str = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    return f"{text}\n"
