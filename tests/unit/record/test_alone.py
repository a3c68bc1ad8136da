"""One process at a time in a folder: whoever comes second is refused, and whoever ends lets the next one in."""

from pathlib import Path

import pytest

from gameday.errors import InputError
from gameday.record.alone import alone_in


def test_a_second_one_is_refused_and_told_what_is_going_on(tmp_path: Path) -> None:
    with alone_in(tmp_path, "run"), pytest.raises(InputError, match=r"nobody else to run .*another process does"):
        alone_in(tmp_path, "run").__enter__()


def test_after_the_first_has_ended_even_with_an_error_the_next_one_may(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), alone_in(tmp_path, "run"):
        raise ZeroDivisionError
    with alone_in(tmp_path, "run"):
        pass


def test_a_folder_that_is_not_there_is_left_to_its_reader(tmp_path: Path) -> None:
    with alone_in(tmp_path / "none", "run"):
        pass
