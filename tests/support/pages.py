"""Pages read as a browser would, as far as a test needs it."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"img", "input", "meta", "br"}


class Page(HTMLParser):
    """A page taken apart; fails on an element that is not closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    @property
    def text(self) -> str:
        """All that there is to read."""
        return "".join(self._texts)

    def all(self, name: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of the elements of a name that have these among them."""
        return [found for tag, found in self.elements if tag == name and attributes.items() <= found.items()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        assert [tag] == self._open[-1:], f"</{tag}> at {self.getpos()}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside in self.raw:
            self.raw[inside][-1] += data
        else:
            self._texts.append(data)
