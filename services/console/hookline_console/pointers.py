"""Members' names in a JSON Pointer (RFC 6901, section 3)."""


def escaped(name: object) -> str:
    """A name as a step of a pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")


def unescaped(step: str) -> str:
    """The name that a step stands for."""
    return step.replace("~1", "/").replace("~0", "~")
