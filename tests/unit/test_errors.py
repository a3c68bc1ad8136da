"""The tree of errors, and what another process told by a class's name."""

import pytest

from gameday.errors import GamedayError, LabNotReady, PortsTaken, kind_named


def test_an_error_is_found_by_its_name_wherever_in_the_tree_it_stands():
    assert kind_named("PortsTaken", LabNotReady) is PortsTaken
    assert kind_named("GamedayError", LabNotReady) is GamedayError


@pytest.mark.parametrize("name", ["", "ValueError", "Iterator", "contextlib", "kind_named"])
def test_a_name_that_is_no_error_of_ours_is_the_other_one(name: str):
    assert kind_named(name, LabNotReady) is LabNotReady
