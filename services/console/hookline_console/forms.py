"""What a form sends: named values, several of one name in their order."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

from starlette.requests import Request

from hookline_common.errors import BadRequest


class Form:
    """The values of one submission."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def text(self, name: str, default: str = "") -> str:
        """The last value of the name, without blanks around it."""
        values = self.all(name)
        return values[-1].strip() if values else default

    def raw(self, name: str) -> str:
        """The last value exactly as it was sent."""
        values = self.all(name)
        return values[-1] if values else ""

    def all(self, name: str) -> list[str]:
        """Every value of the name."""
        return [value for key, value in self._pairs if key == name]

    def on(self, name: str) -> bool:
        """Whether a box was ticked."""
        return self.text(name) not in ("", "0", "false", "off")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)


async def read_form(request: Request) -> Form:
    """The form in the body; raises BadRequest for what no form of ours sends."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if not body:
        return Form([])
    if kind != "application/x-www-form-urlencoded":
        raise BadRequest("The console takes forms only.", code="bad_form")
    try:
        return Form(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10_000))
    except ValueError as error:
        raise BadRequest("The form could not be read.", code="bad_form") from error
