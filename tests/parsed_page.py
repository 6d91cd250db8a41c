"""A page read back from its HTML: tables as rows of cells, and the tags that do not fit."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """Tables of a page as rows of cells, with the tags that were left open or closed out of order."""

    VOID = ("br", "img")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.captions: list[str] = []
        self.scopes: list[str | None] = []
        self.tags: set[str] = set()
        self.marked: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.text = ""
        self.feed(html)
        self.faults += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.marked.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "caption":
            self.captions.append("")
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"th", "td"}:
            self.tables[-1][-1].append("")
        if tag == "th":
            self.scopes.append(dict(attrs).get("scope"))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            return
        self.text += data
        if "caption" in self.open:
            self.captions[-1] += data
        elif {"th", "td"} & set(self.open):
            self.tables[-1][-1][-1] += data


def page(thing: Any) -> Page:
    """The parsed HTML of anything, checked for what holds of all of it."""
    html = thing._repr_html_()
    assert html == thing._repr_html_()
    made = Page(html)
    assert made.faults == []
    assert made.tags <= {"div", "style", "table", "caption", "thead", "tbody", "tr", "th", "td", "b"}
    assert len(made.captions) == len(made.tables) > 0
    assert all(made.captions)
    assert set(made.scopes) <= {"col", "row"}
    assert all(len(row) == len(table[0]) for table in made.tables for row in table)
    assert "color" not in html
    return made
