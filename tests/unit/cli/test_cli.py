"""The command line: words in, words out, an exit code."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from gameday.cli import cli
from gameday.cli_lab import LabView, lines_of
from gameday.lab.status import AlarmNow, DatabaseSeen, LabStatus, LagSeen, RegionSeen, TaskSeen

GAMEDAY = Path(sys.executable).with_name("gameday")
HEAVY = ("boto3", "locust", "moto", "rich", "chaoslib", "altair", "psycopg")


def gameday(*words, home, cwd=None):
    env = os.environ | {"GAMEDAY_HOME": str(home)}
    return subprocess.run(
        [GAMEDAY, *words], env=env, cwd=cwd or home, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command", [[], ["lab"], ["drill"], ["judge"], ["report"], ["undo"], ["abort"], ["plan"], ["lab", "up"]]
)
def test_every_command_explains_itself(command):
    told = CliRunner().invoke(cli, [*command, "--help"])
    assert told.exit_code == 0
    assert "Usage:" in told.output


@pytest.mark.parametrize("program", ["import gameday", "import gameday.cli", "from gameday import Objectives"])
def test_nothing_heavy_is_imported_before_it_is_needed(program):
    look = f"{program}; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", look], text=True).strip() == "[]"


def test_a_drill_is_imported_without_the_labs_and_the_loads_libraries():
    look = f"from gameday import Drill; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", look], text=True).strip() == "[]"


def test_an_error_of_ours_is_told_in_three_parts_without_a_traceback(tmp_path):
    (tmp_path / "empty").mkdir()
    done = gameday("judge", "empty", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "expected  a record at empty",
        "saw       no plan.json in it",
        "next      name a folder reports/<drill>/<time>",
    ]


def test_a_plan_of_no_experiment_exits_2_and_an_abort_without_a_drill_1(tmp_path):
    planned, aborted = gameday("plan", "none.json", home=tmp_path), gameday("abort", home=tmp_path)
    assert (planned.returncode, planned.stderr.splitlines()[0]) == (2, "expected  an experiment at none.json")
    assert (aborted.returncode, aborted.stderr.splitlines()[1]) == (1, "saw       no drill in progress")


def test_a_wrong_input_exits_2_and_creates_nothing(tmp_path):
    done = gameday("drill", "--region", "mars-north-1", home=tmp_path)
    assert done.returncode == 2
    assert "expected  a region of the lab (ap-southeast-2, us-west-2)" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def heeded_ctrl_c():
    """A shell starts what it puts into the background with SIGINT ignored, and its children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_ctrl_c")
def test_ctrl_c_exits_130_and_says_so(tmp_path):
    program = """
from gameday.cli import cli, main

@cli.command()
def waiting():
    open("pipe").read()

main()
"""
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-c", program, "waiting"]
    with (
        subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running,
        (tmp_path / "pipe").open("wb"),  # which opens only once the other side reads
    ):
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 130
        assert running.stderr.read().split() == ["interrupted"]


def test_an_interrupt_tells_what_failed_while_cleaning_up():
    program = """
from gameday.cli import cli, main

@cli.command()
def drilling():
    interrupt = KeyboardInterrupt()
    interrupt.add_note("and healing 'the region' failed too")
    raise interrupt

main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "drilling"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 130
    assert done.stderr.split("\n") == ["", "interrupted", "          and healing 'the region' failed too", ""]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--help"], 0, "Usage: gameday"),
        (["lab", "up", "--help"], 0, "Usage: gameday lab up"),
        (["version"], 0, version("chaostoolkit-gameday")),
        ([], 2, "Usage: gameday"),
        (["dril"], 2, "No such command 'dril'"),
        (["drill", "--rto", "soon"], 2, "'soon' is not a valid float"),
    ],
)
def test_what_click_itself_answers_keeps_its_words_and_its_exit_code(words, code, told, tmp_path):
    done = gameday(*words, home=tmp_path)
    assert done.returncode == code
    assert told in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lab", "up", "--name", "local"], "a lab's name that means nothing else"),
        (["lab", "up", "--name", "a b"], "a name of letters, digits"),
        (["lab", "up", "--timer-scale", "0"], "a timer scale between"),
        (["lab", "up", "--ports", "80"], "a first port between 1024 and 65531"),
        (["lab", "up", "--ports", "65533"], "saw       65533"),
        (["lab", "up", "--latency", "nan"], "a link latency between 0 and 5 s"),
        (["drill", "--ports", "80"], "a first port between"),
        (["drill", "--rto", "nan"], "rto_s to be a number of seconds"),
        (["drill", "--rto", "-1"], "rto_s to be a number of seconds"),
        (["lab", "logs", "control-plane"], "is a lab 'lab' up?"),
    ],
)
def test_what_cannot_be_is_refused(words, told, tmp_path):
    done = gameday(*words, home=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_drill_that_cannot_write_its_record_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    done = gameday("drill", "--reports", "file/reports", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("expected  a writable folder file/reports\nsaw       Not a directory")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_lab_whose_home_cannot_be_written_is_refused_without_a_traceback(tmp_path):
    (tmp_path / "file").write_text("")
    done = gameday("lab", "up", home=tmp_path / "file", cwd=tmp_path)
    assert done.returncode == 1
    assert "saw       Not a directory" in done.stderr
    assert "next      let GAMEDAY_HOME name another folder" in done.stderr


def test_a_lab_that_is_not_up_is_named_with_the_way_to_bring_it_up(tmp_path):
    done = gameday("lab", "status", "--name", "elsewhere", home=tmp_path)
    assert done.returncode == 1
    assert "expected  a lab named 'elsewhere' to be up" in done.stderr
    assert "next      gameday lab up --name elsewhere" in done.stderr


def test_status_names_everything_a_person_asks_for():
    region = RegionSeen(
        "us-west-2", DatabaseSeen("gameday-replica", "available", "replica", "127.16.2.100:24804"), 1, 1,
        (TaskSeen("t1", "RUNNING", "127.16.2.10"),), 1,
    )  # fmt: skip
    status = LabStatus(
        "lab", "2026-11-23T18:00:00Z", (region,), "healthy",
        (AlarmNow("us-east-1", "gameday-primary-health", "OK"),),
        ("127.16.1.1",), "ap-southeast-2", False, None, LagSeen(0.141, datetime.now(UTC)),
    )  # fmt: skip
    view = LabView(status, "http://127.16.0.1:24800", "http://app.gameday.example:24802", "127.16.0.2:24801", 0.1,
                   {"postgres": 4711}, {"balancer": "no target"})  # fmt: skip
    text = "\n".join(lines_of(view))
    for word in (
        "is ready", "gameday-replica: replica, available", "1 of 1 running, 1 in service", "0.141 s", "never ran",
        "127.16.1.1 (ap-southeast-2)", "gameday-primary-health (us-east-1): OK", "4711  postgres",
        "balancer: no target",
    ):  # fmt: skip
        assert word in text
