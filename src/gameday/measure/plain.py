"""Most writes are plain: sent once and acknowledged once, and nothing that is told of them contradicts anything else.

Such a write has two lines of one writer's first attempt, one that it was sent and then one acknowledgement, and at most
one row, which is there once, all with one checksum. One pass over lines and rows tells them and what is asked of them.
Every other id goes the long way of :mod:`gameday.measure.settle` and :mod:`gameday.measure.classes`, which would give
a plain one the same: this is their speed, and nothing that they do not say.
"""

from gameday.record.tables import Tables

# What was seen of an id, a bit each; _OTHER is whatever no plain write has.
_SENT, _ACKED_BY_OLD, _ACKED, _ROW, _OTHER = 1, 2, 4, 8, 16
_PLAIN = tuple(_SENT | acked | row for acked in (_ACKED_BY_OLD, _ACKED) for row in (0, _ROW))
_IDS = f"""
SELECT
    id, bits & {_ROW} > 0 AS is_there, bits & {_ACKED} > 0 AS newer, acked_ns, size_bytes, old_xid, {{told}},
    bits IN {_PLAIN} AND seen = bit_count(bits) AND is_of_one_writer AND has_one_sum AND acked_ns >= sent_ns AS is_plain
FROM (
    SELECT
        id, count(*) AS seen, bit_or(bits) AS bits, min(by_writer) = max(by_writer) AS is_of_one_writer,
        min(sum) = max(sum) AS has_one_sum, max(sent_ns) AS sent_ns, max(acked_ns) AS acked_ns,
        min(size_bytes) AS size_bytes, min(old_xid) AS old_xid, {{kept}}
    FROM (
        SELECT *, hash(writer) AS by_writer,
            CASE WHEN attempt <> 1 THEN {_OTHER} WHEN ev = 0 THEN {_SENT} WHEN is_old THEN {_ACKED_BY_OLD}
                WHEN ev = 3 THEN {_ACKED} ELSE {_OTHER} END::UTINYINT AS bits,
            CASE ev WHEN 0 THEN mono_ns END AS sent_ns, CASE ev WHEN 3 THEN mono_ns END AS acked_ns
        FROM {{lines}}
        UNION ALL BY NAME
        SELECT id, sum, CASE count WHEN 1 THEN {_ROW} ELSE {_OTHER} END::UTINYINT AS bits FROM {{rows}}
    ) GROUP BY id
)
"""
# The one attempt of each plain write, and those of the others.
_ATTEMPTS = """
CREATE VIEW attempts AS
SELECT
    id, NULL::VARCHAR AS writer, 1 AS attempt, 1 AS sents, 1 AS settles, false AS early, 2::TINYINT AS strength,
    acked_ns, NULL::BIGINT AS failed_ns, CASE WHEN NOT newer THEN acked_ns END AS old_ns, old_xid, newer, size_bytes,
    end_lsn, endless, straddles
FROM ids WHERE is_plain
UNION ALL BY NAME SELECT * FROM other_attempts
"""
_WRITES = """
SELECT
    id, 1 AS attempts, is_there::INTEGER AS rows, 2::TINYINT AS strength, acked_ns, newer, size_bytes,
    CASE WHEN NOT newer AND acked_ns > {promoted_ns} THEN 'diverged' WHEN is_there THEN 'kept' ELSE 'lost' END AS class
FROM {ids} WHERE is_plain
UNION ALL BY NAME SELECT * FROM {other_writes}
"""
_OTHERS = "(SELECT * FROM {%s} SEMI JOIN (SELECT id FROM {ids} WHERE NOT is_plain) USING (id))"


def settled(tables: Tables, attempts: str, *, kept: str, told: str) -> None:
    """Make ``ids``, with every id of ``lines`` and ``rows`` and whether it is plain, and ``attempts``.

    ``attempts`` is the statement that makes attempts of ``lines``; here it makes ``other_attempts``, of ids that
    are not plain. ``kept`` are the WAL positions of a group of lines, ``told`` what is told of them.
    """
    tables.derive("ids", _IDS.format(kept=kept, told=told, lines="{lines}", rows="{rows}"))
    tables.derive("other_attempts", attempts.format(kept=kept, told=told, lines=_OTHERS % "lines"))
    tables.db.execute(_ATTEMPTS)


def classed(tables: Tables, promoted_ns: int, writes: str) -> str:
    """Make ``writes``, every one with its class, and tell what makes it of each part.

    ``writes`` is the statement that makes them of attempts and rows; here it makes ``other_writes``.
    """
    ours, theirs = (each.replace("{promoted_ns}", str(promoted_ns)) for each in (_WRITES, writes))
    tables.derive("other_writes", theirs.replace("{attempts}", "{other_attempts}").replace("{rows}", _OTHERS % "rows"))
    tables.db.execute(f"CREATE VIEW writes AS {ours.format(ids='ids', other_writes='other_writes')}")
    return f"({ours})"
