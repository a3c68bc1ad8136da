"""Drawings made safe for a page: rebuilt from an allow-list, with ids of their own, a title, and two sets of inks.

A drawing is drawn once, in the light inks. Presentation attributes give way to any style rule, so the dark theme is a
few rules of CSS (:func:`dark_rules`), and print and plain viewers keep the light one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

NAMESPACE = "http://www.w3.org/2000/svg"
ELEMENTS = frozenset({"svg", "g", "path", "line", "rect", "circle", "text", "tspan", "defs", "clipPath"})
ATTRIBUTES = frozenset(
    {
        "transform", "d", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "r", "cx", "cy", "width", "height",
        "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
        "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "opacity", "font-size", "font-weight",
        "font-style", "text-anchor", "clip-path", "id",
    }
)  # fmt: skip
LONG_NUMBER = re.compile(r"(-?\d+\.\d{2})\d+")


@dataclass(frozen=True, slots=True)
class Ink:
    """One colour of the drawings in both themes."""

    light: str
    dark: str


INKS = {
    "text": Ink("#1c2127", "#e7eaed"),
    "muted": Ink("#5a636d", "#a2acb6"),
    "grid": Ink("#e3e7eb", "#2d343b"),
    "fresh": Ink("#0a58a8", "#74b4f7"),
    "kept": Ink("#b4560b", "#f0a460"),
    "band": Ink("#f6dcd8", "#4a2523"),
    "mark": Ink("#8c1d13", "#ff9a91"),
    "thread": Ink("#b6bec6", "#4a535c"),
}


def dark_rules() -> str:
    """CSS that turns every ink of a ``.chart`` into its dark counterpart."""
    return "\n".join(
        f'.chart [{use}="{ink.light}"] {{ {use}: {ink.dark}; }}' for ink in INKS.values() for use in ("fill", "stroke")
    )


def safe_svg(drawn: str, name: str, title: str, told: str) -> str:
    """The drawing as an inline SVG element named ``name``, with ``title`` and ``told`` for those who do not see it."""
    source = ET.fromstring(drawn)
    _, _, width, height = source.get("viewBox", "0 0 0 0").split()
    ET.register_namespace("", NAMESPACE)
    root = ET.Element(_tag("svg"), {"viewBox": f"0 0 {width} {height}", "role": "img"})
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for element, words in (("title", title), ("desc", told)):
        ET.SubElement(root, _tag(element), {"id": f"{name}-{element}"}).text = words
    # A rectangle directly under the root is only the ground, and the page has its own.
    _rebuild_into(root, [child for child in source if child.tag != _tag("rect")], name)
    return ET.tostring(root, encoding="unicode")


def _rebuild_into(parent: ET.Element, children: Iterable[ET.Element], name: str) -> None:
    """Copy what the allow-list knows; whatever else there is goes, with all that it holds."""
    for child in children:
        kind = child.tag.removeprefix(f"{{{NAMESPACE}}}")
        if kind not in ELEMENTS or child.get("display") == "none":
            continue
        allowed = {key: _own(key, value, name) for key, value in child.items() if key in ATTRIBUTES}
        copy = ET.SubElement(parent, _tag(kind), allowed)
        copy.text = child.text
        _rebuild_into(copy, child, name)


def _own(key: str, value: str, name: str) -> str:
    """An attribute with the drawing's own ids, and no more digits than an eye can see."""
    if key == "id":
        return f"{name}-{value}"
    if key == "clip-path":
        return value.replace("url(#", f"url(#{name}-")
    return LONG_NUMBER.sub(r"\1", value) if key in ("d", "transform") else value


def _tag(kind: str) -> str:
    return f"{{{NAMESPACE}}}{kind}"
