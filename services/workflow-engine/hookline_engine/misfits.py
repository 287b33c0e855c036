"""What a check of a value against a schema finds, without the library that checks."""

import msgspec


class Misfit(msgspec.Struct, frozen=True):
    """A place (JSON Pointer) where a value does not fit its schema, and why."""

    pointer: str
    message: str
