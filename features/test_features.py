"""Every feature of this folder, as tests."""

from pytest_bdd import scenarios

scenarios(".")
