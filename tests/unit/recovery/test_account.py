"""Whose account a runbook changes: the one that was named, and that the credentials are of."""

import pytest
from stub_world import PRIMARY, SECONDARY, stub_lab

from gameday.errors import GuardError, InputError
from gameday.lab.model import Lab
from gameday.recovery.account import demand_account

OWN = "111122223333"


class Account:
    is_local = False

    def client(self, service, region):
        return self

    def get_caller_identity(self):
        return {"Account": OWN}


def in_an_account():
    return Lab("aws", Account(), PRIMARY, SECONDARY, stub_lab().outputs)


def test_the_account_of_the_credentials_may_be_changed_when_it_is_named():
    demand_account(in_an_account(), OWN)


def test_without_a_name_nothing_is_changed_and_the_account_is_told():
    with pytest.raises(InputError, match=f"saw none named. Next: --account {OWN}"):
        demand_account(in_an_account(), None)


def test_credentials_of_another_account_are_refused():
    with pytest.raises(GuardError, match=f"credentials of account 999988887777; saw those of {OWN}"):
        demand_account(in_an_account(), "999988887777")


def test_a_local_lab_has_no_account_to_name():
    demand_account(stub_lab(), None)
    with pytest.raises(InputError, match="no --account for a local lab"):
        demand_account(stub_lab(), OWN)
