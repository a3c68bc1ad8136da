"""Stands for the program ``chaos``: leaves the record that the stage's next act asks for, and exits as it says.

``acts`` holds one act a line: a verdict with the exit code (``HELD 0``), ``nothing N``, ``torn N``, ``two N``, or
``waits`` for a drill that goes on until it is told to end; told by SIGTERM, it writes ``ended in its own way``.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

STAGE = Path(os.environ["STUB_STAGE"])


def main() -> int:
    given = dict(word[6:].split("=", 1) for word in sys.argv if word.startswith("--var="))
    calls = STAGE / "calls.ndjson"
    number = len(calls.read_text().splitlines()) if calls.exists() else 0
    with calls.open("a") as file:
        file.write(json.dumps({"given": given, "words": sys.argv[1:], "pid": os.getpid()}) + "\n")
    what, _, code = (STAGE / "acts").read_text().splitlines()[number].partition(" ")
    home = Path(given["reports"]) / "stub"
    sys.stdout.write(f"the drill says: {what}\n")
    if what == "waits":
        wait(home / f"{number}")
    for copy in range({"nothing": 0, "two": 2}.get(what, 1)):
        record(home / f"{number}-{copy}", what)
    return int(code)


def record(folder: Path, what: str) -> None:
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text("{}")
    template = STAGE / f"{what}.json"
    if template.exists():
        (folder / "measurement.json").write_bytes(template.read_bytes())
    else:
        (folder / "measurement.json").write_text('{"verdict": "HELD"')


def wait(folder: Path) -> None:
    def end(*_: object) -> None:
        (STAGE / "ended in its own way").touch()
        record(folder, "UNKNOWN")
        sys.exit(1)

    signal.signal(signal.SIGTERM, end)
    (STAGE / "waiting").touch()
    while True:
        time.sleep(60)


sys.exit(main())
