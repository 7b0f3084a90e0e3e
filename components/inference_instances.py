"""What an endpoint has to know about the instance type it runs on. No resource is made here."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape


class Instance(Shape):
    """One instance type of `inference_instances.toml`."""

    cores: int = Field(gt=0)
    gpus: int = Field(ge=0)
    local_storage: bool
    multi_model: bool


@cache
def instances() -> Mapping[str, Instance]:
    """Instance type -> what it has."""
    rows = tomllib.loads(Path(__file__).with_name("inference_instances.toml").read_text(encoding="utf-8"))
    return {name: Instance.model_validate(row) for name, row in rows.items()}
