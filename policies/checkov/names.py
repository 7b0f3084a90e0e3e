"""What Terraform calls a resource type, an input and a block of Pulumi's AWS SDK.

Rules first (checkov's list of types, singular blocks), then the short table `types.toml` for what no rule
gives.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from contract.errors import ConciergeError
from policies.checkov.sdk import Field

HERE = Path(__file__).parent
REGISTRY = HERE / "registry.txt"

# Endings of a plural and what the singular has instead; the first that fits.
_ENDINGS = (("ss", "ss"), ("ies", "y"), ("xes", "x"), ("sses", "ss"), ("ches", "ch"), ("s", ""))


class UnnamedTypeError(ConciergeError):
    """No rule and no line of the table says what Terraform calls a type."""


@cache
def terraform_type(token: str) -> str:
    """`aws:s3/bucketPolicy:BucketPolicy` -> `aws_s3_bucket_policy`."""
    for listed in (_table()["types"], _table()["unknown_to_checkov"]):
        if token in listed:
            return str(listed[token])
    module, name = token.split(":")[1].split("/", maxsplit=1)[0], token.rpartition(":")[2]
    stems = [_table()["modules"].get(module, module) + name]
    if module in _table()["bare_modules"]:
        stems.append(name)
    for stem in stems:
        if found := _registry().get(f"aws{stem}".lower()):
            return found
    raise UnnamedTypeError(
        f"{token}: checkov knows no type of a like name; add what Terraform calls it to "
        f"policies/{HERE.name}/types.toml, under [types], or under [unknown_to_checkov] if checkov has none"
    )


@cache
def input_name(place: str, field: Field) -> str:
    """The Terraform name of an input. `place` is the type, and within blocks `type.block`."""
    if renamed := _table()["inputs"].get(place, {}).get(field.name):
        return str(renamed)
    if field.block and field.many and field.name not in _table()["plural_blocks"]:
        return _singular(field.name)
    return field.name.removesuffix("_")  # `and_`: a word of Python's


def _singular(name: str) -> str:
    for plural, singular in _ENDINGS:
        if name.endswith(plural):
            return name.removesuffix(plural) + singular
    return name


@cache
def _registry() -> dict[str, str]:
    """Checkov's AWS types without their underscores -> as they are."""
    lines = REGISTRY.read_text(encoding="utf-8").splitlines()
    return {line.replace("_", ""): line for line in lines if not line.startswith("#")}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((HERE / "types.toml").read_text(encoding="utf-8"))
