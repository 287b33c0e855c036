"""The files that browsers load: read once, named by their content, cached for good."""

import hashlib
import mimetypes
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hookline_common.errors import NotFound

_FOREVER = "public, max-age=31536000, immutable"
_mimetypes = mimetypes.MimeTypes()
_mimetypes.add_type("text/javascript", ".js")


class _Asset(msgspec.Struct, frozen=True):
    content: bytes
    media_type: str


class Assets:
    """The files of the package's folder `static`, by their path in it.

    An address holds a digest of all files, so that a module and what it imports change together.
    """

    def __init__(self) -> None:
        folder = resources.files("hookline_console").joinpath("static")
        self._files = dict(_files(folder, ""))
        self.version = _digest(self._files)

    def url(self, name: str) -> str:
        """The address of a file; raises KeyError for one that is not there."""
        if name not in self._files:
            raise KeyError(f"there is no static file {name!r}")
        return f"/static/{self.version}/{name}"

    def route(self) -> Route:
        """Serves the files. An address of another version answers too, but is not kept."""
        return Route("/static/{version}/{name:path}", self._serve)

    async def _serve(self, request: Request) -> Response:
        asset = self._files.get(request.path_params["name"])
        if asset is None:
            raise NotFound("There is no such file.")
        current = request.path_params["version"] == self.version
        headers = {
            "Cache-Control": _FOREVER if current else "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(asset.content, media_type=asset.media_type, headers=headers)


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, _Asset]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            kind = _mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
            yield f"{prefix}{entry.name}", _Asset(entry.read_bytes(), kind)


def _digest(files: Mapping[str, _Asset]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name].content)
    return digest.hexdigest()[:12]
