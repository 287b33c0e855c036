"""An example's README as HTML, below a heading of the second level."""

from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup


def readme_html(text: str) -> Markup:
    """CommonMark with tables, without its title; HTML in it is text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("fence", _code)
    title, _, body = text.partition("\n")
    tokens = markdown.parse(body if title.startswith("# ") else text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 1)}"
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704


def _code(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
    return f'<pre class="code" tabindex="0"><code>{escape(tokens[at].content)}</code></pre>'
