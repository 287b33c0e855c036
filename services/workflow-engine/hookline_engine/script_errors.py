"""What can go wrong with a script, apart from the engine that runs it."""

from hookline_common.errors import HooklineError


class ScriptError(HooklineError):
    """The script could not be evaluated."""


class ScriptTimeout(ScriptError):
    """The script ran longer than it may."""
