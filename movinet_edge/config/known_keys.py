"""Which keys a section may have, read from the JSON Schema of its model."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from movinet_edge.config.problems import KeyPath


def known_keys(model: type[BaseModel], values: Any, path: KeyPath) -> set[str]:
    """The keys that `model` knows in the section at `path` of `values`; empty when it takes any, or cannot say."""
    try:
        schema = model.model_json_schema()
    except PydanticInvalidForJsonSchema:  # a plugin's settings may hold types that JSON Schema cannot express
        return set()
    definitions = schema.get("$defs", {})
    branches = list(_branches(schema, values, definitions))
    for step in path:
        values = _value_at(values, step)
        branches = [
            branch
            for outer in branches
            for inner in _inside(outer, step)
            for branch in _branches(inner, values, definitions)
        ]
    return {key for branch in branches for key in branch.get("properties", {})}


def _branches(schema: Any, values: Any, definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema with its reference followed, or each of its alternatives that the values have not ruled out."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from _branches(definitions.get(schema["$ref"].rpartition("/")[2]), values, definitions)
        return
    alternatives = [choice for word in ("anyOf", "oneOf", "allOf") for choice in schema.get(word, ())]
    for alternative in alternatives:
        yield from _branches(alternative, values, definitions)
    if not alternatives and not _ruled_out(schema, values):
        yield schema


def _ruled_out(schema: dict[str, Any], values: Any) -> bool:
    """True when a key with one possible value, such as `type: ema`, has another."""
    if not isinstance(values, dict):
        return False
    properties = schema.get("properties", {})
    return any("const" in rule and key in values and values[key] != rule["const"] for key, rule in properties.items())


def _inside(schema: dict[str, Any], step: str | int) -> Iterator[Any]:
    if isinstance(step, int):
        items = schema.get("prefixItems", [])
        yield items[step] if step < len(items) else schema.get("items")
    else:
        yield schema.get("properties", {}).get(step, schema.get("additionalProperties"))


def _value_at(values: Any, step: str | int) -> Any:
    if isinstance(values, dict):
        return values.get(step)
    if isinstance(values, list) and isinstance(step, int) and step < len(values):
        return values[step]
    return None
