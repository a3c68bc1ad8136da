"""Makes the drills made by hand importable here, and sets a stage for each test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
sys.path.insert(0, str(Path(__file__).parent))

from stage import Stage


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.setenv("STUB_STAGE", str(tmp_path))
    monkeypatch.delenv("GAMEDAY_REPORTS", raising=False)
    return Stage(tmp_path)
