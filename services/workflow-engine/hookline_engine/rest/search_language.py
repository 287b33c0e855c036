"""Parses the query language of the searches (rest.md 1.7) into conditions on index fields."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from hookline_common.documents import All, AnyOf, Condition, Op, Order, Where
from hookline_common.errors import BadRequest

Kind = Literal["text", "integer", "list"]

MAX_CONDITIONS = 200
MAX_NESTING = 50
MAX_WILDCARDS = 5
"""In one value: each more can multiply the time that a long text takes."""


class SearchField(msgspec.Struct, frozen=True):
    """A name of the query language: the index field it stands for, and what that holds.

    `empty_is_unset`: the value `""` asks for documents that have nothing in the field.
    """

    column: str
    kind: Kind = "text"
    empty_is_unset: bool = False


WORKFLOW_FIELDS: Mapping[str, SearchField] = {
    "workflowId": SearchField("workflow_id"),
    "correlationId": SearchField("correlation_id"),
    "workflowType": SearchField("workflow_type"),
    "version": SearchField("version", "integer"),
    "status": SearchField("status"),
    "startTime": SearchField("start_time", "integer"),
    "updateTime": SearchField("update_time", "integer"),
    "endTime": SearchField("end_time", "integer"),
    "parentWorkflowId": SearchField("parent_workflow_id", empty_is_unset=True),
    "classifier": SearchField("classifier"),
    "reasonForIncompletion": SearchField("reason"),
    "failedReferenceTaskNames": SearchField("failed_refs", "list"),
    "priority": SearchField("priority", "integer"),
    "createdBy": SearchField("created_by"),
    "event": SearchField("event"),
    "idempotencyKey": SearchField("idempotency_key"),
}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<op><=|>=|!=|=|<|>)
    | (?P<mark>[(),])
    | (?P<word>[^\s(),=<>!"']+)
    )""",
    re.VERBOSE,
)
_ORDERED = {"<": Op.LT, "<=": Op.LE, ">": Op.GT, ">=": Op.GE}


class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.upper() in words


_END = "end"


def _bad(message: str, position: int) -> BadRequest:
    return BadRequest(
        f"query: {message} at position {position}", code="invalid_query", field="/query"
    )


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _bad(f"unexpected {text[position:].strip()[:1]!r}", position)
        kind = str(match.lastgroup)
        found.append(_Token(kind, match.group(kind), match.start(kind)))
        position = match.end()
    found.append(_Token(_END, "", end))
    return found


def _unquoted(token: _Token) -> str:
    if token.kind == "quoted":
        return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
    return token.text


class _Parser:
    """Recursive descent; AND binds tighter than OR."""

    def __init__(self, text: str, fields: Mapping[str, SearchField]) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._fields = fields
        self._conditions = 0

    def parse(self) -> Where:
        where = self._either(0)
        if self._peek().kind != _END:
            raise _bad(f"unexpected {self._peek().text!r}", self._peek().position)
        return where

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _expect(self, text: str) -> None:
        token = self._next()
        if token.text.upper() != text:
            raise _bad(f"{text!r} expected", token.position)

    def _either(self, depth: int) -> Where:
        parts = [self._both(depth)]
        while self._peek().is_word("OR"):
            self._next()
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _both(self, depth: int) -> Where:
        parts = [self._part(depth)]
        while self._peek().is_word("AND"):
            self._next()
            parts.append(self._part(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _part(self, depth: int) -> Where:
        if depth > MAX_NESTING:
            raise _bad("nested too deeply", self._peek().position)
        if self._peek().text == "(" and self._peek().kind == "mark":
            self._next()
            where = self._either(depth + 1)
            self._expect(")")
            return where
        return self._condition()

    def _condition(self) -> Where:
        self._conditions += 1
        name = self._next()
        if name.kind != "word":
            raise _bad("a field name expected", name.position)
        if self._conditions > MAX_CONDITIONS:
            raise _bad(f"more than {MAX_CONDITIONS} conditions", name.position)
        field = self._fields.get(name.text)
        if field is None:
            raise _bad(f"there is no field {name.text!r}", name.position)
        return self._comparison(field)

    def _comparison(self, field: SearchField) -> Where:
        op = self._next()
        if op.kind == "op":
            return _compared(field, op.text, self._value(), self._previous())
        if op.is_word("IN"):
            return self._one_of(field)
        if op.is_word("BETWEEN"):
            low = self._scalar(field)
            self._expect("AND")
            bounds = (Op.GE, low), (Op.LE, self._scalar(field))
            return All(tuple(Condition(field.column, op, value) for op, value in bounds))
        if op.is_word("IS"):
            return self._presence(field)
        if op.is_word("STARTS_WITH"):
            return Condition(field.column, Op.PREFIX, self._value())
        raise _bad("an operator expected (= != < <= > >= IN BETWEEN IS STARTS_WITH)", op.position)

    def _presence(self, field: SearchField) -> Where:
        negated = self._peek().is_word("NOT")
        if negated:
            self._next()
        self._expect("NULL")
        return Condition(field.column, Op.NE if negated else Op.EQ, None)

    def _one_of(self, field: SearchField) -> Where:
        self._expect("(")
        values = [self._scalar(field)]
        while self._peek().text == ",":
            self._next()
            values.append(self._scalar(field))
        self._expect(")")
        if len(values) == 1:  # an index in the order of another field can answer this one
            return Condition(field.column, Op.EQ, values[0])
        return Condition(field.column, Op.IN, tuple(values))

    def _previous(self) -> _Token:
        return self._tokens[self._at - 1]

    def _value(self) -> str:
        token = self._next()
        if token.kind not in ("word", "quoted"):
            raise _bad("a value expected", token.position)
        return _unquoted(token)

    def _scalar(self, field: SearchField) -> str | int:
        return _typed(field, self._value(), self._previous())


def _typed(field: SearchField, value: str, token: _Token) -> str | int:
    if field.kind != "integer":
        return value
    try:
        return int(value)
    except ValueError:
        raise _bad(f"a whole number expected, not {value!r}", token.position) from None


def _compared(field: SearchField, op: str, text: str, token: _Token) -> Where:
    if op in _ORDERED:
        return Condition(field.column, _ORDERED[op], _typed(field, text, token))
    equal = op == "="
    if field.empty_is_unset and text == "":
        return Condition(field.column, Op.EQ if equal else Op.NE, None)
    if field.kind != "integer" and "*" in text and equal:
        return _wildcard(field, text, token)
    return Condition(field.column, Op.EQ if equal else Op.NE, _typed(field, text, token))


def _wildcard(field: SearchField, text: str, token: _Token) -> Where:
    if text.strip("*") == "":
        return Condition(field.column, Op.NE, None)
    if "*" not in text.rstrip("*"):
        return Condition(field.column, Op.PREFIX, text.rstrip("*"))
    pattern = re.sub(r"\*+", "*", text)
    if pattern.count("*") > MAX_WILDCARDS:
        raise _bad(f"more than {MAX_WILDCARDS} wildcards in one value", token.position)
    return Condition(field.column, Op.MATCHES, pattern)


def parse_query(text: str | None, fields: Mapping[str, SearchField]) -> Where:
    """The query as a condition; empty means everything. Raises BadRequest with the position."""
    if text is None or not text.strip():
        return All()
    return _Parser(text, fields).parse()


def parse_sort(text: str | None, fields: Mapping[str, SearchField]) -> tuple[Order, ...]:
    """`<field>:ASC|DESC`, several separated by a bar; entries that name nothing are ignored."""
    orders: list[Order] = []
    for entry in (text or "").split("|"):
        name, colon, direction = entry.strip().partition(":")
        field: Any = fields.get(name)
        if colon and field is not None and field.kind != "list":
            orders.append(Order(field.column, descending=direction.strip().upper() == "DESC"))
    return tuple(orders) or (Order("start_time", descending=True),)
