"""HTML that escapes what it is given, unless that is HTML already."""

from collections.abc import Iterable
from html import escape


class Html(str):
    __slots__ = ()


def fill(template: str, /, **values: object) -> Html:
    """The template is ours; every value is a stranger's."""
    return Html(template.format_map({name: escaped(value) for name, value in values.items()}))


def escaped(value: object) -> Html:
    return value if isinstance(value, Html) else Html(escape(str(value)))


def join(parts: Iterable[object], between: str = "") -> Html:
    return Html(between.join(escaped(part) for part in parts))


def option(value: str, words: str, chosen: str) -> Html:
    selected = Html(" selected" if value == chosen else "")
    return fill("<option value='{value}'{selected}>{words}</option>", value=value, selected=selected, words=words)


def badge(words: str, kind: str = "") -> Html:
    return fill("<span class='badge {kind}'>{words}</span>", words=words, kind=kind)


def notes(words: Iterable[str]) -> Html:
    items = join(fill("<li>{word}</li>", word=word) for word in words)
    return fill("<ul class=notes>{items}</ul>", items=items) if items else items
