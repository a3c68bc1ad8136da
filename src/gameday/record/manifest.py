"""The manifest: the SHA-256 of every file of a record, the head of the timeline's chain, and who sealed it.

It names neither itself nor ``statement.json``, whose subject is the manifest's own digest: whoever knows that digest,
or the statement, holds the whole record to it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import msgspec

from gameday.errors import RecordError
from gameday.record.chain import read_chain
from gameday.record.entries import name_in, opened, read_whole
from gameday.record.lines import CANCELLED, UNREADABLE, raw_lines

MANIFEST, STATEMENT, TIMELINE = "manifest.json", "statement.json", "timeline.ndjson"
NOT_IN_IT = (MANIFEST, STATEMENT)
LINES = ".ndjson"  # of files that are appended to, and never written anew
BEFORE_CHAINS = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of ``manifest.json``. ``timeline_head``: see :mod:`gameday.record.chain`; None was before chains."""

    v: int
    gameday: str  # the version that sealed
    files: Mapping[str, str]  # path in the record -> SHA-256
    timeline_lines: int | None
    timeline_head: str | None


def manifest_of(folder: Path, before: Manifest | None, changed: tuple[str, ...]) -> Manifest:
    """The folder as it is now. Where there was a manifest ``before``, only what was ``changed`` is taken anew.

    So whatever else was altered since is not sealed over. What is only ever appended to, a file of lines, is taken anew
    only where it still begins with what was sealed. Raises :class:`RecordError` when a file is unreadable.
    """
    files = hashes_of(folder, "make it readable, then judge again")
    version, chain = running_version(), read_chain(folder / TIMELINE)
    if before is None:
        return Manifest(1, version, files, chain.lines, chain.head)
    changed = tuple(name for name in changed if _goes_on(folder / name, before.files.get(name)))
    kept = {name: digest for name, digest in before.files.items() if name not in changed}
    anew = {name: files[name] for name in changed if name in files}
    merged = dict(sorted((kept | anew).items()))
    if TIMELINE in changed:
        return Manifest(1, version, merged, chain.lines, chain.head)
    return Manifest(before.v, version, merged, before.timeline_lines, before.timeline_head)


def _goes_on(path: Path, sealed: str | None) -> bool:
    """Whether no line that was ``sealed``, as the file's SHA-256 of then, is gone or altered in a file of lines.

    A line that a kill had cut was ended since, before the next one began.
    """
    if sealed is None or path.suffix != LINES:
        return True
    seen = hashlib.sha256()
    for line in raw_lines(path):
        so_far = seen.copy()
        seen.update(line)
        cut = (_after(so_far, line.removesuffix(ending)) for ending in (b"\n", CANCELLED))
        if sealed in (seen.hexdigest(), *cut):
            return True
    return sealed == hashlib.sha256().hexdigest() and path.exists()


def _after(seen: "hashlib._Hash", piece: bytes) -> str:
    then = seen.copy()
    then.update(piece)
    return then.hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The record's manifest, in today's form or in the one before chains; raises :class:`RecordError`."""
    path = folder / MANIFEST
    try:
        content = read_whole(path)
        try:
            return msgspec.json.decode(content, type=Manifest)
        except msgspec.ValidationError:
            return Manifest(BEFORE_CHAINS, "", msgspec.json.decode(content, type=dict[str, str]), None, None)
    except (OSError, *UNREADABLE) as cause:
        seen = "there is none" if isinstance(cause, FileNotFoundError) else str(cause)
        raise RecordError(
            f"a manifest {path}", seen, "remove what is there, then judge again, to seal the record as it is now"
        ) from cause


def hashes_of(folder: Path, next_step: str) -> dict[str, str]:
    """The SHA-256 of each file of ``folder`` that a manifest names; raises :class:`RecordError`.

    Regular files only: what else lies there no manifest holds, and :mod:`gameday.record.entries` says why.
    """
    try:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        names = {name_in(folder, path): path for path in files}
        return {name: sha256_of(path) for name, path in names.items() if name not in NOT_IN_IT}
    except OSError as cause:
        seen = f"{cause.strerror}: {cause.filename}"
        raise RecordError(f"every file of {folder} to be readable", seen, next_step) from cause


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hex; raises as :func:`gameday.record.entries.opened`."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def running_version() -> str:
    """The version of gameday that runs."""
    return metadata.version("chaostoolkit-gameday")
