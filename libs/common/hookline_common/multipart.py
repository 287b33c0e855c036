"""Reads `multipart/form-data` (RFC 7578) into its parts, without keeping what files contain."""

from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any

import msgspec


class NotMultipart(Exception):
    """The body does not have the parts that its content type promises."""


class Part(msgspec.Struct, frozen=True):
    """One field or file of a form."""

    name: str
    filename: str | None
    content_type: str
    content: bytes

    def text(self) -> str:
        """The content as text; bytes that are not UTF-8 become replacement characters."""
        return self.content.decode(errors="replace")

    def as_file(self) -> dict[str, Any]:
        """What is kept of a file."""
        return {
            "filename": self.filename,
            "contentType": self.content_type,
            "size": len(self.content),
        }


def read_parts(content_type: str, body: bytes, most: int) -> list[Part]:
    """The named parts of a form, at most `most`; raises NotMultipart."""
    boundary = _parameter("content-type", content_type, "boundary")
    if not boundary:
        raise NotMultipart("the content type names no boundary")
    # The first delimiter may stand at the very beginning, all others follow a line break.
    sections = (b"\r\n" + body).split(b"\r\n--" + boundary.encode(errors="replace"))
    if len(sections) < 3 or not sections[-1].startswith(b"--"):
        raise NotMultipart("the body has no closing boundary")
    if len(sections) > most + 2:
        raise NotMultipart(f"the form has more than {most} parts")
    return [_part(section) for section in sections[1:-1]]


def _part(section: bytes) -> Part:
    head, blank, content = section.partition(b"\r\n\r\n")
    headers = dict(_header(line) for line in head.splitlines() if b":" in line)
    disposition = headers.get("content-disposition", "")
    name = _parameter("content-disposition", disposition, "name")
    if not blank or name is None:
        raise NotMultipart("a part has no name")
    filename = _parameter("content-disposition", disposition, "filename")
    return Part(name, filename, headers.get("content-type", "text/plain"), content)


def _header(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode(errors="replace").partition(":")
    return name.strip().lower(), value.strip()


def _parameter(header: str, value: str, name: str) -> str | None:
    message = Message()
    message[header] = value.replace("\r", " ").replace("\n", " ")
    found = message.get_param(name, header=header)
    return None if found is None else collapse_rfc2231_value(found)
