"""``python -m gameday.recovery.documents [FOLDER]``: every runbook as a document, and a list of them."""

import sys
from collections.abc import Iterator
from pathlib import Path

from gameday.recovery import RUNBOOKS, runbook
from gameday.recovery.shown import document

FOLDER = Path("docs", "runbooks")
INDEX = "README.md"
GENERATED = "<!-- Made by `make runbooks` from src/gameday/recovery/: change it there. -->\n\n"


def documents() -> Iterator[tuple[str, str]]:
    """Each document: its file's name and its text."""
    yield INDEX, GENERATED + index()
    for name in RUNBOOKS:
        yield f"{name}.md", GENERATED + document(runbook(name))


def index() -> str:
    """The list of all runbooks: when each is for."""
    rows = [f"| [{name}]({name}.md) | {one.title} | {one.when} |" for name in RUNBOOKS for one in (runbook(name),)]
    return "\n".join(("# Runbooks", "", "| runbook | | when |", "|---|---|---|", *rows, ""))


def write(folder: Path) -> None:
    """Write every document into ``folder``, and remove those of runbooks that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = dict(documents())
    for path in folder.glob("*.md"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(*sys.argv[1:]) if sys.argv[1:] else FOLDER)
