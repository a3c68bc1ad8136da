"""constraints.txt says which versions were tested together, and nothing of where they came from."""

import re
from pathlib import Path

import pytest

PINNED = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?==[0-9][A-Za-z0-9.!+]*")
COMMENT = re.compile(r"# [^@:\\]*")
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+|\blocalhost\b|www\.|/\w*/", re.IGNORECASE)


def out_of_place(text: str) -> list[str]:
    """The lines that are neither ``name==version`` nor a comment without an address."""
    return [
        line
        for line in text.splitlines()
        if not PINNED.fullmatch(line) and not (COMMENT.fullmatch(line) and not ADDRESS.search(line))
    ]


def test_the_constraints_are_names_and_versions_and_hold_no_address():
    text = (Path(__file__).parents[2] / "constraints.txt").read_text()
    assert out_of_place(text) == []
    assert "boto3==" in text


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example/simple", "-i http://127.0.0.1:3141/root", "-e .", "--no-index",
        "boto3 @ https://packages.example/boto3.whl", "boto3 @ file:///wheels/boto3.whl", "git+https://git.example/boto3",
        "boto3==1.44.5 --hash=sha256:00", "boto3==1.44.5 # via http://packages.example", "boto3>=1.44", "boto3",
        "./wheels/boto3.whl", "# from https://packages.example/simple", "# from 10.0.0.7", "# me@packages.example", "",
    ],
)  # fmt: skip
def test_a_line_that_tells_of_a_place_is_found(line: str):
    assert out_of_place(f"# Versions. Made by tools/constraints.sh.\nboto3==1.44.5\n{line}\n") == [line]
