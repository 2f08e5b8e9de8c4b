"""Reading the pages of reports."""

import html.parser

_VOID = {"meta", "img", "br", "link", "input"}


class Page(html.parser.HTMLParser):
    """A page's texts and attributes; fails on tags that are not closed in order.

    Args:
      text: its HTML.
    """

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.attributes += [(tag, *pair) for pair in attributes]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(path):
    """The Page in a file, which is ASCII."""
    return Page(path.read_text(encoding="ascii"))
