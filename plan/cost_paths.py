"""Places inside a resource's inputs, and price rows that are named after what stands there."""

import re
from collections.abc import Mapping
from typing import Any

UNSET = "unset"
_FIELD = re.compile(r"\{([^{}]+)\}")
# Words with which AWS says whose node type it is; the row already says so.
_WHOSE = {"cache", "ml", "search"}


def value_at(inputs: Any, path: str, missing: Any = UNSET) -> Any:
    """What stands at `clusterConfig.instanceType` or `settings.0.value`; `missing` where nothing does."""
    found = inputs
    for step in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list | tuple) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return missing
        if found is None:
            return missing
    return found


def row_of(template: str, inputs: Mapping[str, Any]) -> str:
    """`opensearch-{clusterConfig.instanceType}-hour` -> `opensearch-r7g-large-hour`."""
    return _FIELD.sub(lambda field: _slug(str(value_at(inputs, field[1]))), template)


def unset_fields(template: str, inputs: Mapping[str, Any]) -> list[str]:
    """The paths of a template where nothing stands."""
    return [path for path in _FIELD.findall(template) if value_at(inputs, path) == UNSET]


def could_be(template: str, row: str) -> bool:
    """Whether some value of the fields would make this row of the template."""
    fixed = (re.escape(part) for part in _FIELD.split(template)[::2])
    return re.fullmatch("[a-z0-9-]+".join(fixed), row) is not None


def _slug(value: str) -> str:
    """`r7g.large.search` -> `r7g-large`; `ARM_CONTAINER` -> `arm-container`."""
    words = re.split(r"[._]", value.lower())
    return "-".join(word for word in words if word not in _WHOSE)
