"""Where the names come from: the stack's document, or the copy that was kept when it could last be read."""

from pathlib import Path

from pydantic import ValidationError

from contract.errors import InconclusiveError
from contract.inventory import Inventory
from runbooks.engine.aws import Aws, AwsError


class InventoryError(InconclusiveError):
    """Nobody can say what things are called."""


def fetch(aws: Aws, environment: str, copy: Path) -> Inventory:
    """The inventory of an environment through its pointer parameter; `copy` is renewed."""
    pointer = aws.read("ssm", "get_parameter", Name=f"/concierge/{environment}/inventory")["Parameter"][
        "Value"
    ]
    bucket, _, key = pointer.removeprefix("s3://").partition("/")
    text = aws.read("s3", "get_object", Bucket=bucket, Key=key)["Body"].read().decode()
    found = _parsed(text, pointer)
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InventoryError(f"copy {copy} cannot be written: {error.strerror}: make it yours") from None
    return found


def load(aws: Aws, environment: str, copy: Path) -> tuple[Inventory, str | None]:
    """The inventory, and a warning when it is only the copy."""
    try:
        return fetch(aws, environment, copy), None
    except AwsError as unreachable:
        if not copy.is_file():
            raise InventoryError(f"{unreachable}; and there is no copy at {copy}") from None
        return _parsed(copy.read_text(encoding="utf-8"), str(copy)), f"names from {copy}: {unreachable}"


def _parsed(text: str, place: str) -> Inventory:
    try:
        return Inventory.model_validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InventoryError(f"inventory {place}: {key}: {first['msg']}: run `pulumi up` once more") from None
