"""What the pages of reports are made of: self-contained HTML for any screen."""

import base64
import io
import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from PIL import Image

# A PNG file above this becomes a lossy WebP: colour images, of which a report has many.
_LARGEST_PNG_BYTES = 300_000
_WEBP_QUALITY = 85

_PAGE = string.Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --line: #8885; --soft: #8882; }
* { box-sizing: border-box; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 1200px; margin: 0 auto; padding: 12px; }
h1 { font-size: 1.5rem; margin: .3em 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 1.6em 0 .5em; border-bottom: 1px solid var(--line); }
p, td, th, code, figcaption { overflow-wrap: anywhere; }
code { background: var(--soft); padding: 0 .2em; border-radius: 3px; }
table { border-collapse: collapse; max-width: 100%; }
td, th { text-align: left; padding: 2px 12px 2px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-size: .92rem; }
td.number, th.number { text-align: right; white-space: nowrap; overflow-wrap: normal; }
.grid { display: grid; gap: 12px;
  grid-template-columns: repeat(auto-fill, minmax(min(330px, 100%), 1fr)); }
figure { margin: 0; min-width: 0; }
figure.wide { margin-bottom: 18px; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
figcaption { font-size: .9rem; }
nav a { margin-right: .8em; }
$style</style>
</head>
<body>
<h1>$title</h1>
<p>$summary</p>
<nav>$links</nav>
$sections
$script</body>
</html>
""")


def document(
    title: str, summary: str, sections: Mapping[str, str], style: str = "", script: str = ""
) -> str:
    """A whole page in ASCII: names may hold any letter, and so no reader can mistake them.

    Args:
      title: text. summary: HTML of a paragraph.
      sections: {heading: HTML}; each is linked from the top.
      style, script: further CSS, and JavaScript; no tags.
    """
    text = _PAGE.substitute(
        title=escape(title),
        summary=summary,
        links=" ".join(f'<a href="#{name}">{name}</a>' for name in sections),
        sections="\n".join(
            f'<section id="{name}"><h2>{name}</h2>\n{body}\n</section>'
            for name, body in sections.items()
        ),
        style=style,
        script=f"<script>\n{script}</script>\n" if script else "",
    )
    return text.encode("ascii", "xmlcharrefreplace").decode()


def table(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Collection[str] = ()
) -> str:
    """An HTML table of texts; the columns of `numbers` are set to the right."""

    def row(cells, tag):
        kinds = [' class="number"' if heading in numbers else "" for heading in headings]
        texts = [escape(str(cell)) for cell in cells]
        return "".join(f"<{tag}{k}>{t}</{tag}>" for k, t in zip(kinds, texts, strict=True))

    body = "\n".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return f"<table>\n<tr>{row(headings, 'th')}</tr>\n{body}\n</table>"


def missing(what: str, command: str) -> str:
    """A paragraph that says what there is not yet, and the command that makes it."""
    return f"<p>{escape(what)}: <code>{escape(command)}</code></p>"


def picture_url(png: bytes) -> str:
    """The bytes of a PNG file as a data: URL; of a large one those of a lossy WebP."""
    if len(png) <= _LARGEST_PNG_BYTES:
        return data_url(png, "png")
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.save(buffer, "WEBP", quality=_WEBP_QUALITY)
    return data_url(buffer.getvalue(), "webp")


def data_url(content: bytes, kind: str) -> str:
    """The bytes of an image of a kind, such as "png", as a data: URL."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
