"""Regular expressions in linear time (RE2), so that no pattern and no text can stall a service."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# google-re2 ships no types; it is used nowhere else.

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from hookline_common.errors import HooklineError

TextTest = Callable[[str], bool]


class PatternError(HooklineError):
    """The regular expression is not valid."""


def _compile(pattern: str, ignore_case: bool, dot_matches_newline: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.dot_nl = dot_matches_newline
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise PatternError(f"not a regular expression: {_reason(error)}") from error
    except UnicodeEncodeError as error:
        raise PatternError("a regular expression must not contain lone surrogates") from error


def _reason(error: Exception) -> str:
    (first, *_) = error.args or ("",)
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


@lru_cache(maxsize=1024)
def whole_text_test(pattern: str, flags: str = "") -> TextTest:
    """A test whether `pattern` matches the whole text; flags `i` (case) and `s` (dot = newline)."""
    compiled = _compile(pattern, "i" in flags, "s" in flags)
    return lambda text: _safe(text) and compiled.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def part_test(pattern: str) -> TextTest:
    """A test whether `pattern` matches anywhere in the text."""
    compiled = _compile(pattern, ignore_case=False, dot_matches_newline=False)
    return lambda text: _safe(text) and compiled.search(text) is not None


def _safe(text: str) -> bool:
    """RE2 reads UTF-8, which has no lone surrogates: such a text matches nothing."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
