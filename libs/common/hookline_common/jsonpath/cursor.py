"""A place in the text of a path, and the small readings that its grammar is made of."""

from hookline_common.errors import HooklineError

DEEPEST_NESTING = 40


class PathSyntaxError(HooklineError):
    """The text is not a path; `position` counts characters from 0."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(f"{message} (at character {position})")
        self.position = position
        self.message = message


class Cursor:
    """Reads `text` from left to right; `reads` collects what paths from the root begin with."""

    __slots__ = ("nesting", "position", "reads", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.nesting = 0
        self.reads: set[tuple[str, str]] = set()

    @property
    def ended(self) -> bool:
        """Whether everything has been read."""
        return self.position >= len(self.text)

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.position : self.position + 1]

    def ahead(self, token: str) -> bool:
        """Whether `token` comes next."""
        return self.text.startswith(token, self.position)

    def accept(self, token: str) -> bool:
        """Read `token` if it comes next."""
        if not self.ahead(token):
            return False
        self.position += len(token)
        return True

    def expect(self, token: str) -> None:
        """Read `token`; anything else is a syntax error."""
        if not self.accept(token):
            raise self.error(f"expected {token!r}")

    def skip_blanks(self) -> None:
        """Read over white space."""
        while self.peek().isspace():
            self.position += 1

    def until(self, stops: frozenset[str]) -> str:
        """What comes before the first of `stops` or the end."""
        start = self.position
        while self.position < len(self.text) and self.text[self.position] not in stops:
            self.position += 1
        return self.text[start : self.position]

    def quoted(self) -> str:
        """A text in single or double quotes; a backslash takes the next character as it is."""
        start = self.position
        quote = self.peek()
        self.position += 1
        characters: list[str] = []
        while (character := self.peek()) and character != quote:
            if character == "\\":
                self.position += 1
                character = self.peek()
            characters.append(character)
            self.position += 1
        if not self.accept(quote):
            raise PathSyntaxError(start, "the quotation mark is never closed")
        return "".join(characters)

    def integer(self) -> int | None:
        """A whole number with an optional minus; None if none comes next."""
        start = self.position
        self.accept("-")
        while self.peek() and self.peek() in "0123456789":
            self.position += 1
        digits = self.text[start : self.position]
        if digits in ("", "-"):
            self.position = start
            return None
        if len(digits) > 18:
            raise PathSyntaxError(start, "the number is too large")
        return int(digits)

    def enter(self) -> None:
        """One level deeper; a limit keeps hostile paths from exhausting the stack."""
        self.nesting += 1
        if self.nesting > DEEPEST_NESTING:
            raise self.error("nested too deeply")

    def leave(self) -> None:
        """One level up."""
        self.nesting -= 1

    def error(self, message: str) -> PathSyntaxError:
        """A syntax error at this place."""
        return PathSyntaxError(self.position, message)
