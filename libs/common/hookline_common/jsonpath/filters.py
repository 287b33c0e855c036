"""The filter `[?(…)]`: comparisons, existence, and their combination with `&&`, `||` and `!`."""

from collections.abc import Sequence
from typing import Any

from hookline_common.jsonpath.comparisons import SYMBOLS, WORDS, Comparison
from hookline_common.jsonpath.cursor import Cursor
from hookline_common.jsonpath.nodes import MISSING, Reading, is_array, is_object, text_of
from hookline_common.jsonpath.operands import Evaluate, Operand, ParseSteps, parse_operand
from hookline_common.jsonpath.steps import Predicate
from hookline_common.patterns import PatternError, TextTest, whole_text_test

_NAME_ENDS = frozenset(" \t\r\n.[]()=!<>&|,~'\"")
_PATTERN_FLAGS = frozenset("is")


def parse_filter(cursor: Cursor, parse_steps: ParseSteps) -> Predicate:
    """What stands between `?(` and `)`."""
    return _Filter(cursor, parse_steps).alternatives()


class _Filter:
    def __init__(self, cursor: Cursor, parse_steps: ParseSteps) -> None:
        self._cursor = cursor
        self._parse_steps = parse_steps

    def alternatives(self) -> Predicate:
        choices = [self._conjunction()]
        while self._accept("||"):
            choices.append(self._conjunction())
        return choices[0] if len(choices) == 1 else _any_of(choices)

    def _conjunction(self) -> Predicate:
        conditions = [self._condition()]
        while self._accept("&&"):
            conditions.append(self._condition())
        return conditions[0] if len(conditions) == 1 else _all_of(conditions)

    def _condition(self) -> Predicate:
        self._cursor.enter()
        if self._accept("!"):
            predicate = _negated(self._condition())
        elif self._accept("("):
            predicate = self.alternatives()
            self._cursor.skip_blanks()
            self._cursor.expect(")")
        else:
            predicate = self._comparison()
        self._cursor.leave()
        return predicate

    def _comparison(self) -> Predicate:
        left = self._operand()
        self._cursor.skip_blanks()
        if self._cursor.accept("=~"):
            return _matching(left.evaluate, self._pattern())
        compare = self._comparison_operator()
        if compare:
            return _compared(left.evaluate, compare, self._operand().evaluate)
        if not left.is_path:
            raise self._cursor.error("expected a comparison")
        return _existing(left)

    def _operand(self) -> Operand:
        return parse_operand(self._cursor, _NAME_ENDS, self._parse_steps)

    def _comparison_operator(self) -> Comparison | None:
        for symbol, compare in SYMBOLS.items():
            if self._cursor.accept(symbol):
                return compare
        start = self._cursor.position
        word = self._cursor.until(_NAME_ENDS).lower()
        if word and word not in WORDS:
            self._cursor.position = start
            raise self._cursor.error(f"unknown operator {word!r}")
        return WORDS.get(word)

    def _pattern(self) -> TextTest:
        self._cursor.skip_blanks()
        start = self._cursor.position
        if self._cursor.peek() in ("'", '"'):
            pattern, flags = self._cursor.quoted(), ""
        else:
            pattern, flags = self._slashed()
        try:
            return whole_text_test(pattern, flags)
        except PatternError as error:
            self._cursor.position = start
            raise self._cursor.error(str(error)) from error

    def _slashed(self) -> tuple[str, str]:
        """`/pattern/flags`; a backslash before a slash only protects it."""
        cursor = self._cursor
        cursor.expect("/")
        pieces: list[str] = []
        while not cursor.accept("/"):
            if cursor.ended:
                raise cursor.error("the regular expression is never closed")
            length = 2 if cursor.ahead("\\") else 1
            piece = cursor.text[cursor.position : cursor.position + length]
            pieces.append("/" if piece == "\\/" else piece)
            cursor.position += length
        flags = cursor.until(_NAME_ENDS)
        if not _PATTERN_FLAGS.issuperset(flags):
            raise cursor.error(f"unknown flags {flags!r}: allowed are i and s")
        return "".join(pieces), flags

    def _accept(self, token: str) -> bool:
        self._cursor.skip_blanks()
        return self._cursor.accept(token)


def _any_of(choices: Sequence[Predicate]) -> Predicate:
    return lambda node, reading: any(accepts(node, reading) for accepts in choices)


def _all_of(conditions: Sequence[Predicate]) -> Predicate:
    return lambda node, reading: all(accepts(node, reading) for accepts in conditions)


def _negated(accepts: Predicate) -> Predicate:
    return lambda node, reading: not accepts(node, reading)


def _compared(left: Evaluate, compare: Comparison, right: Evaluate) -> Predicate:
    return lambda node, reading: compare(left(node, reading), right(node, reading))


def _existing(path: Operand) -> Predicate:
    """A definite path that leads somewhere (null counts), an indefinite one that finds any."""

    def accepts(node: Any, reading: Reading) -> bool:
        value = path.evaluate(node, reading)
        return value is not MISSING if path.definite else bool(value)

    return accepts


def _matching(left: Evaluate, fits: TextTest) -> Predicate:
    def accepts(node: Any, reading: Reading) -> bool:
        value = left(node, reading)
        scalar = not (value is None or value is MISSING or is_array(value) or is_object(value))
        return scalar and fits(text_of(value))

    return accepts
