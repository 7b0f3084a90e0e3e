"""The permission boundary of `stacks/bootstrap.yaml`: what no role that carries it may ever do.

The plan knows only its ARN; what is in it stands in the template that makes it.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from policies.iam.documents import Statement

TEMPLATE = Path(__file__).resolve().parents[2] / "stacks" / "bootstrap.yaml"
RESOURCE = "Boundary"
_VARIABLE = re.compile(r"\$\{[^}!]*\}")


@cache
def statements() -> tuple[Statement, ...]:
    """What the boundary says, with `*` where the template puts in a value of the account."""
    from cfnlint.decode.decode import decode_str

    template, errors = decode_str(TEMPLATE.read_text(encoding="utf-8"))
    if template is None:
        raise ValueError(f"{TEMPLATE.name} cannot be read: {errors[0].message}")
    written = template["Resources"][RESOURCE]["Properties"]["PolicyDocument"]["Statement"]
    return tuple(Statement(number, _filled(each)) for number, each in enumerate(written, 1))


def _filled(value: Any) -> Any:
    """CloudFormation's functions as text."""
    match value:
        case {"Fn::Sub": text}:
            return _VARIABLE.sub("*", text[0] if isinstance(text, list) else text)
        case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::If": _}:
            return "*"
        case Mapping():
            return {str(key): _filled(each) for key, each in value.items()}
        case list():
            return [_filled(each) for each in value]
    return value
