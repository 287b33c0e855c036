"""JSON Schema: what of a value does not fit a schema, and whether a schema is one (D10).

The one module that touches `jsonschema`. Nothing is fetched: `$ref` leads into the schema itself.
Patterns run in linear time, because property names and texts come from outside.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from hookline_common.expressions.templates import escape_pointer
from hookline_common.jsonpath import is_array, is_object
from hookline_common.patterns import PatternError, TextTest, part_test
from hookline_engine.misfits import Misfit

MOST_MISFITS = 20
LONGEST_MESSAGE = 200
_COMPILED = 500
_ENDLESS = "the schema refers to itself without end, or the value is nested too deeply for it"
_VALUES = frozenset(("enum", "const", "default", "examples"))
"""Keywords below which stands data, no schema."""


class JsonSchemas:
    """Checks values; compiled schemas are kept, the newest used ones."""

    def misfits(self, schema: Mapping[str, Any], value: Any) -> Sequence[Misfit]:
        """What does not fit, at most twenty places; empty if all does."""
        compiled = _compiled(msgspec.json.encode(schema))
        if isinstance(compiled, Misfit):
            return (compiled,)
        try:
            errors = islice(compiled.iter_errors(value), MOST_MISFITS)
            return tuple(_misfit(error) for error in errors)
        except Unresolvable as error:
            return (Misfit("", f"the schema refers to {error.ref!r}, which is not in it"),)
        except RecursionError:
            return (Misfit("", _ENDLESS),)


def schema_fault(schema: Mapping[str, Any]) -> Misfit | None:
    """Why it is no JSON schema, and where in it; None if it is one."""
    compiled = _compiled(msgspec.json.encode(schema))
    return compiled if isinstance(compiled, Misfit) else None


@lru_cache(maxsize=_COMPILED)
def _compiled(encoded: bytes) -> Validator | Misfit:
    """The validator of a schema, or its fault. `$schema` says which draft, else 2020-12."""
    schema: dict[str, Any] = msgspec.json.decode(encoded)
    kind = validators.validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
        fault = next(_pattern_faults(schema), None)
    except SchemaError as error:
        return _misfit(error)
    except RecursionError:
        return Misfit("", _ENDLESS)
    return fault or _guarded(kind)(_without_dialects(schema), registry=Registry())


@lru_cache(maxsize=16)
def _guarded(kind: type[Validator]) -> Callable[..., Validator]:
    """The draft's validator with patterns in linear time."""
    keywords: dict[str, Any] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    return validators.extend(kind, keywords)


def _pattern(
    _: Validator, pattern: str, value: Any, __: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(value, str) and not part_test(pattern)(value):
        yield ValidationError(f"does not match {pattern!r}")


def _descend(validator: Any, value: Any, schema: Any, **steps: str) -> Iterator[ValidationError]:
    """The errors of a part; the method is not in the protocol of validators."""
    return validator.descend(value, schema, **steps)


def _pattern_properties(
    validator: Validator, patterns: Mapping[str, Any], value: Any, _: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not is_object(value):
        return
    for pattern, schema in patterns.items():
        fits = part_test(pattern)
        for name in filter(fits, value):
            yield from _descend(validator, value[name], schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Validator, allowed: Any, value: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not is_object(value):
        return
    tests: list[TextTest] = [part_test(pattern) for pattern in schema.get("patternProperties", ())]
    known = schema.get("properties", {})
    extras = [name for name in value if name not in known and not any(fits(name) for fits in tests)]
    if is_object(allowed):
        for name in extras:
            yield from _descend(validator, value[name], allowed, path=name)
    elif allowed is False:
        for name in extras:
            error = ValidationError("is not allowed here")
            error.path.append(name)
            yield error


def _places(schema: Any, pointer: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every keyword at every depth: (JSON Pointer, name, value)."""
    if is_array(schema):
        for index, part in enumerate(schema):
            yield from _places(part, f"{pointer}/{index}")
    if is_object(schema):
        for name, part in schema.items():
            place = f"{pointer}/{escape_pointer(name)}"
            yield place, name, part
            if name not in _VALUES:
                yield from _places(part, place)


def _pattern_faults(schema: Any) -> Iterator[Misfit]:
    """Patterns that cannot be run in linear time."""
    places = list(_places(schema))
    names = {name for _, name, _ in places}
    for place, name, value in places:
        if name == "unevaluatedProperties" and "patternProperties" in names:
            yield Misfit(place, "cannot be used together with patternProperties here")
        if name == "pattern" and isinstance(value, str):
            yield from _pattern_fault(place, value)
        if name == "patternProperties" and is_object(value):
            for pattern in value:
                yield from _pattern_fault(place, pattern)


def _without_dialects(schema: Any) -> Any:
    """Without `$schema` inside: the draft is chosen once, and each part uses its guarded form."""
    if is_array(schema):
        return [_without_dialects(part) for part in schema]
    if not is_object(schema):
        return schema
    return {
        name: part if name in _VALUES else _without_dialects(part)
        for name, part in schema.items()
        if not (name == "$schema" and isinstance(part, str))
    }


def _pattern_fault(place: str, pattern: str) -> Iterator[Misfit]:
    try:
        part_test(pattern)
    except PatternError as error:
        yield Misfit(place, str(error))


def _misfit(error: ValidationError | SchemaError) -> Misfit:
    pointer = "".join(f"/{escape_pointer(str(step))}" for step in error.absolute_path)
    return Misfit(pointer, _message(error))


def _message(error: ValidationError | SchemaError) -> str:
    """In words that do not repeat the value, which may be long."""
    wanted = error.validator_value
    match error.validator:
        case "type":
            types = wanted if is_array(wanted) else [wanted]
            return f"must be {' or '.join(map(str, types))}"
        case "enum":
            return _short(f"must be one of {msgspec.json.encode(wanted).decode()}")
        case "const":
            return _short(f"must be {msgspec.json.encode(wanted).decode()}")
        case (
            "minimum"
            | "maximum"
            | "exclusiveMinimum"
            | "exclusiveMaximum"
            | "multipleOf"
            | (
                "minLength"
                | "maxLength"
                | "minItems"
                | "maxItems"
                | "minProperties"
                | "maxProperties"
            )
        ):
            return f"does not meet {error.validator} {wanted}"
        case "required" | "pattern" | "additionalProperties" | "patternProperties":
            return _short(error.message)
        case str() as keyword:
            return f"does not meet {keyword!r} of its schema"
        case _:
            return _short(error.message)


def _short(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…"
