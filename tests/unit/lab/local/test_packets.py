"""What ACLs and security groups let through: tables by hand, after AWS's own rules."""

from ipaddress import IPv4Network

import pytest

from gameday.lab.local.packets import Ingress, Rule, Subnet, allowed, flows

ANY = IPv4Network("0.0.0.0/0")
OPEN = (Rule(100, True, True, "-1", ANY), Rule(100, True, False, "-1", ANY))
NEAR, FAR = IPv4Network("10.0.0.0/24"), IPv4Network("10.0.4.0/24")


def test_an_acl_without_rules_denies() -> None:
    assert not allowed((), egress=True, peer=FAR, port=5432)


def test_the_lowest_number_decides_whatever_the_order() -> None:
    rules = (Rule(200, True, True, "-1", ANY), Rule(100, False, True, "-1", FAR))
    assert not allowed(rules, egress=True, peer=FAR, port=5432)
    assert allowed(rules, egress=True, peer=NEAR, port=5432)


@pytest.mark.parametrize(("port", "passes"), [(5431, False), (5432, True), (5433, True), (5434, False)])
def test_a_rule_covers_its_ports_and_no_others(port: int, passes: bool) -> None:
    assert allowed((Rule(1, True, True, "6", ANY, (5432, 5433)),), egress=True, peer=FAR, port=port) is passes


def test_a_rule_for_udp_says_nothing_about_tcp() -> None:
    assert not allowed((Rule(1, True, True, "17", ANY),), egress=True, peer=FAR, port=53)


def test_a_rule_for_packets_coming_in_says_nothing_about_those_going_out() -> None:
    assert not allowed((Rule(1, True, False, "-1", ANY),), egress=True, peer=FAR, port=80)


def test_open_subnets_reach_each_other_and_clients_reach_them() -> None:
    near, far = Subnet(NEAR, OPEN), Subnet(FAR, OPEN)
    assert flows(near, far, 5432)
    assert flows(None, far, 80)


@pytest.mark.parametrize("broken", ["near", "far"])
def test_a_subnet_that_denies_all_is_dark_from_both_sides(broken: str) -> None:
    near = Subnet(NEAR, () if broken == "near" else OPEN)
    far = Subnet(FAR, () if broken == "far" else OPEN)
    assert not flows(near, far, 5432)


def test_answers_must_be_let_through_because_acls_are_stateless() -> None:
    only_in = Subnet(FAR, (Rule(1, True, False, "-1", ANY),))
    assert not flows(Subnet(NEAR, OPEN), only_in, 5432)


def test_nothing_is_filtered_within_a_subnet() -> None:
    assert flows(Subnet(NEAR, ()), Subnet(NEAR, ()), 5432)


def test_a_group_admits_its_named_peers_on_its_port() -> None:
    rule = Ingress("tcp", (5432, 5432), groups=("sg-tasks",))
    assert rule.admits(5432, cidrs=(), groups=("sg-tasks",))
    assert not rule.admits(5433, cidrs=(), groups=("sg-tasks",))
    assert not rule.admits(5432, cidrs=(), groups=("sg-other",))


def test_a_group_admits_a_block_inside_its_own() -> None:
    rule = Ingress("-1", None, cidrs=(IPv4Network("10.0.0.0/16"),))
    assert rule.admits(1, cidrs=(NEAR,), groups=())
    assert not rule.admits(1, cidrs=(IPv4Network("10.1.0.0/24"),), groups=())
