"""The page's words: what a tired engineer and an auditor read, in that order."""

from dataclasses import replace

import pytest
from examples import EVENTS, PLAN, broken, event, held, unknown

from gameday.facts import Finding, Kind, RecoveryTime, Verdict, Witness, WriteClass
from gameday.report import headline, tables
from gameday.report.page import page
from gameday.report.parts import Table, Tone
from gameday.report.summary import LINES_MAX, WIDTH_MAX, summary_lines


def row(table: Table, heading: str) -> list[str]:
    return next([cell.text for cell in cells] for cells in table.rows if cells[0].text == heading)


def figure(told, label):
    return next(each for each in told.figures if label in each.label)


def test_a_drill_that_held_says_when_clients_were_served_and_what_was_lost():
    told = page(PLAN, held(), EVENTS).headline
    assert (told.word, told.tone, told.points) == ("HELD", Tone.GOOD, ())
    assert told.why == (
        "Clients were served again 22.2 s after the fault, and 37 acknowledged writes are lost, within the RPO."
    )


def test_a_broken_drill_names_its_gravest_reason_then_the_others_and_what_to_do():
    told = page(PLAN, broken(), EVENTS).headline
    assert told.why == "Orders were acknowledged by the old primary after the standby was promoted."
    assert told.reason is not None
    assert told.reason.evidence.startswith("Expected no diverged write; saw 3: ")
    assert told.reason.next_step == "Look at diverged ids in the ledger."
    assert [point.what for point in told.points][-1] == "Witnesses disagree."


def test_an_unknown_drill_says_what_evidence_is_missing_and_what_to_do():
    told = page(PLAN, unknown(), EVENTS).headline
    assert (told.word, told.meaning) == ("UNKNOWN", "evidence is missing, so nothing is proved")
    assert (
        told.points[0].evidence == "Expected every surviving row read back; saw page 14 of the read-back answered 503."
    )
    assert told.points[0].next_step == "Mend what kept the evidence away, then run the drill again."


def test_reasons_beyond_the_first_few_are_counted_not_dropped():
    many = tuple(Finding(Verdict.BROKEN, f"reason {number}", "none", "one") for number in range(9))
    assert page(PLAN, replace(broken(), findings=many), ()).headline.more == "4 more reasons under Findings"


def test_a_verdict_without_findings_says_so():
    assert "No finding names the reason" in headline.why(replace(unknown(), findings=()))


def test_the_recovery_time_stands_against_the_scaled_objective_with_its_bounds():
    told = figure(page(PLAN, held(), ()), "RTA")
    assert (told.value, told.standing) == ("22.2 s", "within RTO 30 min × 0.1 = 3 min")
    assert told.details == ("at least 22.16 s, at most 22.21 s", "told by write probes")


@pytest.mark.parametrize(
    ("rta_s", "tone", "standing"),
    [
        (179.0, Tone.GOOD, "within RTO 30 min × 0.1 = 3 min"),
        (181.0, Tone.DOUBT, "longer than RTO 30 min × 0.1 = 3 min: not shown to hold"),
        (1800.04, Tone.BAD, "misses RTO 30 min × 0.1 = 3 min"),
    ],
)
def test_an_rta_between_the_scaled_and_the_real_objective_is_in_doubt(rta_s, tone, standing):
    told = figure(page(PLAN, replace(held(), rta_s=rta_s), ()), "RTA")
    assert (told.tone, told.standing) == (tone, standing)


def test_an_rta_that_misses_its_objective_by_a_hair_does_not_print_like_it():
    told = figure(page(PLAN, replace(held(), timer_scale=1.0, rta_s=1800.04), ()), "RTA")
    assert (told.value, told.standing) == ("30 min 0.04 s", "misses RTO 30 min")


def test_no_failed_probe_is_an_rta_of_zero():
    times = (
        RecoveryTime("write", "fresh", 0.0, 0.0, 0.0, 0, 800),
        RecoveryTime("read", "fresh", 0.0, 0.0, 0.0, 0, 800),
    )
    told = page(PLAN, replace(held(), rta_s=0.0, recovery_times=times), ())
    assert (figure(told, "RTA").value, figure(told, "RTA").details) == ("0 s", ("no probe failed",))
    assert told.headline.why.startswith("No probe failed, and ")


def test_an_unknown_rta_says_why_and_what_is_known_of_it():
    told = figure(page(PLAN, unknown(), ()), "RTA")
    assert (told.value, told.tone) == ("unknown", Tone.DOUBT)
    assert "No window of 3.0 s and 200 probes was good." in told.details
    assert "at least 14.20 s, with no upper bound" in told.details


def test_an_unknown_rta_whose_lower_bound_is_beyond_the_rto_is_bad():
    late = replace(unknown().recovery_times[0], lower_s=1900.0)
    told = figure(page(PLAN, replace(unknown(), recovery_times=(late,)), ()), "RTA")
    assert told.tone is Tone.BAD


def test_the_floor_is_told_with_the_excess_above_it():
    told = figure(page(PLAN, held(), ()), "Floor")
    assert (told.value, told.standing) == ("19.0 s", "RTA is 3.21 s above it (excess)")


def test_an_rta_at_the_floor_or_below_that_of_an_older_record_is_told_so():
    at = [page(PLAN, replace(held(), excess_s=each), ()).figures[3].standing for each in (0.0, -0.25)]
    assert at == ["RTA is equal to it", "RTA is 250 ms below it"]


def test_one_lost_write_of_a_million_is_neither_zero_nor_zero_per_cent():
    one = replace(held().recovery_point, lost=1, rpa_s=0.0002, lost_ids=("a",), lost_bytes=None)
    counts = {**held().classes, "lost": 1}
    measured = replace(held(), recovery_point=one, classes=counts, writes=1_000_000, acknowledged=1_000_000)
    told = page(PLAN, measured, ())
    assert figure(told, "RPA").value == "< 1 ms"
    assert figure(told, "lost").value == "1"
    assert figure(told, "lost").details == ("0.0001 %",)
    assert row(told.losses, "lost")[1:3] == ["1", "0.0001 %"]


def test_nothing_lost_is_only_said_when_the_survivor_was_read_back():
    nothing = replace(held().recovery_point, lost=0, rpa_s=0.0, lost_ids=(), lost_bytes=0)
    read_back = page(PLAN, replace(held(), recovery_point=nothing), ())
    assert (figure(read_back, "RPA").value, figure(read_back, "lost").value) == ("0 s", "none")
    assert read_back.headline.why.endswith("and no acknowledged write is lost.")
    assert figure(page(PLAN, unknown(), ()), "lost").value == "unknown"


def test_writes_that_were_not_found_because_nothing_was_read_back_are_not_called_lost():
    missing = replace(unknown().recovery_point, lost=871, lost_ids=("a",))
    told = page(PLAN, replace(unknown(), recovery_point=missing, classes={**held().classes, "lost": 871}), ())
    assert figure(told, "lost").value == "unknown"
    assert figure(told, "lost").details[1] == "871 were not found, which proves nothing"
    assert "may only not have been found" in told.losses.caption
    assert told.lost_ids.title == "Ids of writes that were not found (871)"


def test_a_class_that_nobody_counted_is_not_known_and_not_zero():
    told = page(PLAN, unknown(), ())
    assert row(told.losses, "lost")[1] == "not known"
    assert row(told.losses, "split brain")[1] == "not known"


def test_every_write_class_has_its_row_and_so_have_unexpected_rows_and_split_brain():
    rows = [cells[0].text for cells in page(PLAN, held(), ()).losses.rows]
    assert rows == [*(each.value for each in WriteClass), "unexpected", "split brain"]


def test_rows_that_no_objective_forgives_are_bad():
    rows = {cells[0].text: cells[1] for cells in page(PLAN, broken(), ()).losses.rows}
    assert (rows["diverged"].tone, rows["split brain"].tone) == (Tone.BAD, Tone.BAD)
    assert (rows["duplicate"].tone, rows["unexpected"].tone) == (Tone.PLAIN, Tone.PLAIN)


def test_an_unavailable_witness_is_not_one_that_disagrees():
    rows = page(PLAN, broken(), ()).witnesses.rows
    assert [cells[1].text for cells in rows] == ["measures", "disagrees", "unavailable"]
    assert [cells[1].tone for cells in rows] == [Tone.STRONG, Tone.BAD, Tone.QUIET]
    assert rows[2][2].text == "not known"


def test_a_wal_witness_that_saw_no_commit_lost_says_so():
    point = replace(held().recovery_point, wal_lost_xids=0, wal=Witness.AGREES)
    assert tables.witnesses(point).rows[1][2].text == "no commits"


def test_phases_stand_in_order_of_time_and_the_unseen_last():
    told = page(PLAN, held(), ())
    names = [cells[0].text for cells in told.phases.rows]
    assert names.index("resolver answers the standby") < names.index("promoted") < names.index("scaled")
    assert (names[-1], told.phases.rows[-1][1].text) == ("full throughput", "not seen")
    assert row(told.phases, "health check unhealthy")[1:3] == ["+3.310 s", "2.39 s"]


def test_the_drawings_are_told_in_words_too():
    told = page(PLAN, held(), ())
    assert "alarm +15.020 s" in told.waterfall.told
    assert "Not seen: full throughput." in told.waterfall.told
    assert "writes: 775 of 1,220 good of scheduled" in told.over_time.told


def test_alarms_say_whether_they_were_expected_fired_and_cleared():
    words = [cells[-1].text for cells in page(PLAN, held(), ()).alarms.rows]
    assert words == [
        "fired as expected, and cleared",
        "expected, stayed silent",
        "fired unexpectedly, had not cleared when observation ended",
    ]


def test_scaled_timers_are_named_and_real_ones_are_not():
    assert page(PLAN, held(), ()).scale_badge == "timers × 0.1"
    real = page(PLAN, replace(held(), timer_scale=1.0), ())
    assert (real.scale_badge, real.scale_notice) == ("", "")


def test_the_lab_says_what_it_does_not_prove_and_an_account_what_it_leans_on():
    local = page(PLAN, held(), ())
    assert local.limits_heading == "What the local lab does not prove"
    assert any(each.startswith("IAM: nobody is refused") for each in local.limits)
    account = page(replace(PLAN, lab="aws", limits=()), held(), ())
    assert account.limits_heading == "What this drill does not prove"
    assert "Route 53's control plane in us-east-1" in account.limits[0]


def test_the_oldest_lost_ids_are_listed_and_the_rest_counted():
    told = page(PLAN, broken(), ()).lost_ids
    assert (told.title, told.note, len(told.items)) == (
        "Ids of lost writes (1,204)", "The oldest 1,000 of 1,204.", 1_000
    )  # fmt: skip


def test_the_timeline_leaves_out_lag_samples_and_counts_them():
    told = page(PLAN, held(), EVENTS, unreadable=2).timeline
    assert len(told.rows) == len(EVENTS) - 1
    assert "1 samples" not in told.caption
    assert "1 sample of the replica's lag" in told.caption
    assert "2 lines could not be read" in told.caption


def test_an_event_of_another_boot_is_given_no_time_after_the_fault():
    other = replace(event(3.0, Kind.NOTE, "restarted"), boot="another")
    rows = page(PLAN, held(), (EVENTS[4], other)).timeline.rows
    assert [cells[1].text for cells in rows] == ["+3.310 s", "—"]


def test_a_very_long_timeline_is_cut_and_says_so():
    told = page(PLAN, held(), [event(number, Kind.NOTE, "n") for number in range(1_200)]).timeline
    assert len(told.rows) == 1_000
    assert "200 later events stand in the record only" in told.caption


def test_the_faults_effects_fencing_and_healing_are_told_in_order():
    seen = [cells[0].text for cells in page(PLAN, held(), EVENTS).effects.rows]
    assert seen == ["fault", "effect verified", "old primary fenced", "healing began", "healed"]


@pytest.mark.parametrize("measured", [held(), broken(), unknown()], ids=["held", "broken", "unknown"])
def test_the_summary_is_a_dozen_plain_lines_that_begin_with_the_verdict(measured):
    lines = summary_lines(PLAN, measured)
    assert len(lines) <= LINES_MAX
    assert all(len(line) <= WIDTH_MAX and line.isprintable() for line in lines)
    assert lines[0].startswith(f"{measured.verdict.value}: ")


def test_the_summary_names_scaled_timers_objectives_and_actuals():
    told = "\n".join(summary_lines(PLAN, held()))
    assert "timers × 0.1" in told
    assert "Recovery time actual (RTA)   22.2 s       within RTO 30 min × 0.1 = 3 min" in told
    assert "Recovery point actual (RPA)  85 ms        within RPO 10 min" in told


def test_the_summary_of_an_unknown_drill_says_what_to_do():
    assert "    Next: Look at the prober's log." in summary_lines(PLAN, unknown())


def test_writes_come_before_reads():
    measured = replace(held(), availability=held().availability[::-1])
    assert [cells[0].text for cells in page(PLAN, measured, ()).availability.rows] == ["writes", "reads"]
