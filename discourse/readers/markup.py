"""Plain text from the HTML in which some platforms give a post's words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

__all__ = ["host_of", "plain_text"]

_HOST = re.compile(r"https?://([^\s/?#@:\[\]]{1,253})(?:[:/?#]|$)", re.IGNORECASE)
_NAME = re.compile(r"@\w[\w.\-]{0,63}")
_BLOCKS = frozenset({"p", "blockquote", "ul", "ol", "pre", "div", "h1", "h2", "h3", "h4", "h5", "h6"})
_VOID = frozenset({"br", "hr", "img", "wbr", "input", "area", "base", "col", "embed", "link", "meta", "source"})
_FALLBACK = "quote-inline"


def plain_text(markup: str, *, servers: bool = False) -> str:
    r"""The words of a piece of HTML: escapes undone once, `<br>` a new line, an empty line between paragraphs.

    Other tags are left out, their words stay, also those that a browser would hide to shorten a link. The
    link to a quoted post that servers put in for readers without quotes (`quote-inline`) is nobody's words
    and goes. With `servers`, a mention that stands as `@name` and links to a server becomes `@name@server`.
    White space at both ends goes.

    >>> plain_text("<p>peace &amp;amp;<br>bread</p><p>land</p>")
    'peace &amp;\nbread\n\nland'
    >>> plain_text('<a class="mention" href="https://a.example/@demo">@<span>demo</span></a>', servers=True)
    '@demo@a.example'
    """
    parser = _Words(servers, without=_FALLBACK)
    parser.read(markup)
    if parser.unshown:  # never closed: better the link than words lost after it
        parser = _Words(servers)
        parser.read(markup)
    return "".join(parser.parts).strip()


def host_of(link: object) -> str | None:
    """The server a web link leads to, in small letters; None where it is no web link.

    >>> host_of("https://Social.example/@demo"), host_of("at://did:plc:demo"), host_of(None)
    ('social.example', None, None)
    """
    found = _HOST.match(link) if isinstance(link, str) else None
    return None if found is None else found[1].lower()


class _Words(HTMLParser):
    def __init__(self, servers: bool, without: str = "") -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.servers, self.without = servers, without
        self.breaks = 0  # how many new lines stand at the end
        self.unshown: list[str] = []  # the open tags from one that is not shown on
        self.mention: tuple[int, str] | None = None

    def read(self, markup: str) -> None:
        self.feed(markup.replace("<![", "&lt;!["))  # marked sections: some versions of the parser raise on them
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if self.unshown or self.without in classes:
            if tag not in _VOID:
                self.unshown.append(tag)
        elif tag == "br":
            self._add("\n")
        elif tag in _BLOCKS:
            self._end_block(2)
        elif tag == "a":
            host = host_of(dict(attrs).get("href"))
            person = self.servers and "mention" in classes and "hashtag" not in classes
            self.mention = (len(self.parts), host) if person and host is not None else None

    def handle_endtag(self, tag: str) -> None:
        if self.unshown:
            if tag in self.unshown:
                while self.unshown.pop() != tag:
                    pass
        elif tag in _BLOCKS:
            self._end_block(2)
        elif tag == "li":
            self._end_block(1)
        elif tag == "a" and self.mention is not None:
            start, host = self.mention
            self.mention = None
            if _NAME.fullmatch("".join(self.parts[start:]).strip()):
                self._add(f"@{host}")

    def handle_data(self, data: str) -> None:
        if data and not self.unshown:
            self._add(data)

    def _end_block(self, breaks: int) -> None:
        if self.parts and self.breaks < breaks:
            self._add("\n" * (breaks - self.breaks))

    def _add(self, words: str) -> None:
        self.parts.append(words)
        ends = len(words) - len(words.rstrip("\n"))
        self.breaks = ends + (self.breaks if ends == len(words) else 0)
