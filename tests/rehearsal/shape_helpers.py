"""Holds a JSON document from the wire against a shape of botocore's models.

Stricter than botocore's parser, which drops what it does not know and forgives what is missing.
"""

from typing import Any

import botocore.session


def operation(service: str, name: str) -> Any:
    session: Any = botocore.session.get_session()
    return session.get_service_model(service).operation_model(name)


def body_shape(shape: Any) -> set[str]:
    """Members of an output that travel in the body."""
    return {
        name
        for name, member in shape.members.items()
        if member.serialization.get("location") not in ("header", "statusCode", "headers")
    }


def problems(value: Any, shape: Any, place: str = "body") -> list[str]:
    """Everything about the document that AWS would not have sent; nothing: it could be AWS's."""
    match shape.type_name:
        case "structure":
            anything = getattr(shape, "is_document_type", False)
            return [] if anything else _structure(value, shape, place)
        case "list" if isinstance(value, list):
            return [p for n, item in enumerate(value) for p in problems(item, shape.member, f"{place}.{n}")]
        case "map" if isinstance(value, dict):
            return [p for k, item in value.items() for p in problems(item, shape.value, f"{place}.{k}")]
        case "list" | "map":
            return [f"{place} is no {shape.type_name}"]
        case kind:
            return _scalar(value, shape, kind, place)


def _structure(value: Any, shape: Any, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place} is no structure"]
    known = {member.serialization.get("name", name): member for name, member in shape.members.items()}
    found = [f"{place}: {name} is missing" for name in shape.required_members if name not in value]
    found += [f"{place}: {shape.name} has no {name}" for name in value if name not in known]
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        found.append(f"{place}: exactly one member of {shape.name} may be set")
    for name, item in value.items():
        if name in known:
            found += problems(item, known[name], f"{place}.{name}")
    return found


def _scalar(value: Any, shape: Any, kind: str, place: str) -> list[str]:
    types: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "character": (str,),
        "blob": (str,),
        "timestamp": (str, int, float),
        "integer": (int,),
        "long": (int,),
        "short": (int,),
        "double": (int, float),
        "float": (int, float),
        "boolean": (bool,),
    }
    if not isinstance(value, types[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return [f"{place}: {value!r} is no {kind}"]
    enum = getattr(shape, "enum", None)
    if kind == "string" and enum and value not in enum:
        return [f"{place}: {value!r} is none of {enum}"]
    size = len(value) if isinstance(value, str) else value
    limits = shape.metadata
    if isinstance(size, int | float) and kind != "timestamp":
        if size < limits.get("min", size):
            return [f"{place}: {value!r} is less than {limits['min']}"]
        if size > limits.get("max", size):
            return [f"{place}: {value!r} is more than {limits['max']}"]
    return []
