"""The balancers: who is registered, who is healthy, and where the edge link sends."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from compute_stage import WEST, answering, awsvpc, control_plane, ground_in, network

from gameday.clock import HandClock, eventually
from gameday.errors import LabError
from gameday.lab.local import ecs_tasks
from gameday.lab.local.balancer import BalancerController, HealthCheck, Target, counts_of, serving
from gameday.lab.local.links import HttpAnswers
from gameday.lab.local.metrics import backend_of
from gameday.lab.local.watching import Look

CHECK = HealthCheck("/healthz", 1, 1, to_recover=3, to_fail=2, codes="200")
GOOD, BAD, SILENT = Look(200, "OK"), Look(500, "Internal Server Error"), Look(None, "refused")


def target(*looks: Look, name: str = "a", check: HealthCheck = CHECK) -> Target:
    made = Target(name, 80, check)
    for look in looks:
        made.saw(look)
    return made


def test_a_new_target_is_healthy_after_one_good_look() -> None:
    assert [target().state, target(GOOD).state] == ["initial", "healthy"]


def test_a_new_target_is_unhealthy_after_enough_bad_looks() -> None:
    assert [target(BAD).state, target(BAD, BAD).state] == ["initial", "unhealthy"]


def test_a_target_comes_back_after_enough_good_looks() -> None:
    fallen = (GOOD, BAD, BAD)
    assert [target(*fallen, GOOD, GOOD).state, target(*fallen, GOOD, GOOD, GOOD).state] == ["unhealthy", "healthy"]


def test_why_a_target_is_unhealthy_is_said() -> None:
    assert target(BAD, BAD).health[1:] == (
        "Target.ResponseCodeMismatch",
        "Health checks failed with these codes: [500]",
    )
    assert target(SILENT, SILENT).health[1:] == ("Target.Timeout", "Request failed: refused")


@pytest.mark.parametrize(
    ("codes", "status", "passes"),
    [("200", 200, True), ("200,204", 204, True), ("200-299", 299, True), ("200-299", 300, False)],
)
def test_the_matcher_says_which_codes_pass(codes: str, status: int, passes: bool) -> None:
    assert HealthCheck("/", 1, 1, 2, 2, codes).passes(Look(status, "")) is passes


def test_requests_go_to_the_healthy_only() -> None:
    assert serving([target(GOOD, name="a"), target(BAD, BAD, name="b"), target(name="c")]) == (("a", 80),)


def test_a_balancer_whose_targets_are_all_unhealthy_fails_open() -> None:
    assert serving([target(BAD, BAD, name="a"), target(BAD, BAD, name="b")]) == (("a", 80), ("b", 80))


def test_a_balancer_waits_for_targets_that_were_never_looked_at() -> None:
    assert serving([target(BAD, BAD, name="a"), target(name="b")]) == ()


@dataclass
class Stage:
    client: Callable[[str, str], Any]
    balancer: BalancerController
    network: tuple[str, list[str], str]
    group: str = ""

    @property
    def board(self) -> Any:
        return self.balancer.ground.board

    def build(self) -> None:
        """A balancer, its target group, and a service behind it whose tasks the test makes."""
        elb, (vpc, subnets, security) = self.client("elbv2", WEST), self.network
        balancer = elb.create_load_balancer(Name="gameday", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        self.group = elb.create_target_group(
            Name="gameday", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip", HealthCheckPath="/healthz",
            HealthCheckIntervalSeconds=5, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
            Matcher={"HttpCode": "200"},
        )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
        forward = [{"Type": "forward", "TargetGroupArn": self.group}]
        elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
        ecs = self.client("ecs", WEST)
        ecs.create_cluster(clusterName="gameday")
        ecs.register_task_definition(
            family="app", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": "app", "memory": 512}],
        )  # fmt: skip
        ecs.create_service(
            cluster="gameday", serviceName="gameday", taskDefinition="app", desiredCount=0, launchType="FARGATE",
            networkConfiguration=awsvpc(subnets, security),
            loadBalancers=[{"targetGroupArn": self.group, "containerName": "app", "containerPort": 8000}],
        )  # fmt: skip

    def task(self, number: int) -> Any:
        """A running task in moto's state, as the service controller would make it."""
        [service] = ecs_tasks.backend_of(WEST).services.values()
        task = ecs_tasks.new_task(WEST, service, number)
        ecs_tasks.pending(task, self.address(number))
        ecs_tasks.running(task)
        return task

    def address(self, number: int) -> str:
        return self.balancer.ground.addresses.task(WEST, number)

    @property
    def port(self) -> int:
        return self.balancer.ground.ports.task

    def aimed(self, *numbers: int) -> None:
        """Wait until the edge link goes to exactly these tasks."""
        wanted = tuple((self.address(number), self.port) for number in numbers)

        def targets() -> object:
            self.balancer.reconcile()
            return self.board.made[f"edge/{WEST}"].targets

        eventually(targets, wanted, what="the edge link", within_s=10)

    def state(self, number: int) -> str:
        return self.balancer.target_health(self.group, self.address(number))[0]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with control_plane() as client:
        ground, _ = ground_in(tmp_path, scale=0.01)
        balancer = BalancerController(ground)
        try:
            yield Stage(client, balancer, network(client, WEST))
        finally:
            balancer.close()


def test_without_a_balancer_there_is_no_link(stage: Stage) -> None:
    stage.balancer.reconcile()
    assert stage.board.made == {}


def test_the_edge_link_listens_where_clients_come_in(stage: Stage) -> None:
    stage.build()
    stage.balancer.reconcile()
    link = stage.board.made[f"edge/{WEST}"]
    assert link.listen == (stage.balancer.ground.addresses.balancer(WEST), stage.balancer.ground.ports.http)
    assert [(place.region, place.tier) for place in link.path] == [("", "client"), (WEST, "balancer"), (WEST, "tasks")]
    assert link.targets == ()


def test_running_tasks_are_registered_probed_and_served(stage: Stage) -> None:
    stage.build()
    stage.task(0)
    stage.task(1)
    with ExitStack() as servers:
        asked = [servers.enter_context(answering(stage.address(number), stage.port)) for number in (0, 1)]
        stage.aimed(0, 1)
        assert [stage.state(0), stage.state(1)] == ["healthy", "healthy"]
        assert asked[0][0][0] == "/healthz"
    told = stage.client("elbv2", WEST).describe_target_health(TargetGroupArn=stage.group)["TargetHealthDescriptions"]
    assert [(each["Target"]["Id"], each["Target"]["Port"]) for each in told] == [
        (stage.address(0), stage.port),
        (stage.address(1), stage.port),
    ]


def test_a_target_that_fails_is_left_out_and_taken_back(stage: Stage) -> None:
    stage.build()
    stage.task(0)
    stage.task(1)
    status = [200]
    with answering(stage.address(0), stage.port), answering(stage.address(1), stage.port, lambda: status[0]):
        stage.aimed(0, 1)
        status[0] = 500
        stage.aimed(0)
        status[0] = 200
        stage.aimed(0, 1)


def test_a_task_that_stops_is_deregistered_at_once(stage: Stage) -> None:
    stage.build()
    task = stage.task(0)
    with answering(stage.address(0), stage.port):
        stage.aimed(0)
        task.desired_status = "STOPPED"
        stage.balancer.reconcile()
        assert stage.board.made[f"edge/{WEST}"].targets == ()


def test_while_the_region_is_cut_every_target_is_unhealthy(stage: Stage) -> None:
    stage.build()
    stage.task(0)

    def state() -> str:
        stage.balancer.reconcile()
        return stage.state(0)

    with answering(stage.address(0), stage.port):
        stage.aimed(0)
        stage.board.cut(f"edge/{WEST}", True)
        eventually(state, "unhealthy", what="the target", within_s=10)
        assert stage.balancer.target_health(stage.group, stage.address(0))[2] == "Request failed: the region is cut off"
        stage.board.cut(f"edge/{WEST}", False)
        eventually(state, "healthy", what="the target", within_s=10)


def test_the_host_counts_are_published(stage: Stage) -> None:
    stage.build()
    stage.task(0)
    with answering(stage.address(0), stage.port):
        stage.aimed(0)

        def counts() -> list[float]:
            stage.balancer.reconcile()
            return [each.value for each in backend_of(WEST).metric_data if each.name == "HealthyHostCount"]

        assert eventually(counts, lambda seen: 1.0 in seen, what="samples", within_s=10)


def test_a_request_counts_when_a_target_was_chosen_for_it() -> None:
    answers = HttpAnswers(total=10, target_5xx=2, own_5xx=4, untargeted=3)
    assert counts_of(answers) == {"RequestCount": 7, "HTTPCode_Target_5XX_Count": 2, "HTTPCode_ELB_5XX_Count": 4}


@pytest.fixture
def counting(stage: Stage) -> Stage:
    """Metrics are told at each :func:`told`, and only then."""
    stage.balancer.clock = HandClock(int(1.8e18))
    stage.build()
    told(stage)
    return stage


def told(stage: Stage) -> dict[str, float]:
    """The request counts that the next telling publishes for the balancer as a whole."""
    before = len(backend_of(WEST).metric_data)
    stage.balancer.clock.sleep(1.0)
    stage.balancer.reconcile()
    fresh = backend_of(WEST).metric_data[before:]
    return {each.name: each.value for each in fresh if [d.name for d in each.dimensions] == ["LoadBalancer"]}


def test_requests_and_errors_are_published_as_sums_since_the_last_time(counting: Stage) -> None:
    edge = f"edge/{WEST}"
    counting.board.answered(edge, HttpAnswers(total=10, target_5xx=2, own_5xx=4, untargeted=3))
    assert told(counting) == {"RequestCount": 7, "HTTPCode_Target_5XX_Count": 2, "HTTPCode_ELB_5XX_Count": 4}
    counting.board.answered(edge, HttpAnswers(total=5, target_5xx=1))
    assert told(counting) == {"RequestCount": 5, "HTTPCode_Target_5XX_Count": 1}


def test_a_count_of_nothing_is_not_published(counting: Stage) -> None:
    assert told(counting) == {}
    counting.board.answered(f"edge/{WEST}", HttpAnswers(total=3))
    assert told(counting) == {"RequestCount": 3}
    counting.board.answered(f"edge/{WEST}", HttpAnswers(total=2, own_5xx=2, untargeted=2))
    assert told(counting) == {"HTTPCode_ELB_5XX_Count": 2}
    assert told(counting) == {}


def test_a_balancer_that_comes_back_counts_from_nothing(counting: Stage) -> None:
    counting.board.answered(f"edge/{WEST}", HttpAnswers(total=3))
    told(counting)
    elb = counting.client("elbv2", WEST)
    [balancer] = elb.describe_load_balancers()["LoadBalancers"]
    [listener] = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    elb.delete_listener(ListenerArn=listener["ListenerArn"])
    told(counting)
    forward = [{"Type": "forward", "TargetGroupArn": counting.group}]
    elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward)
    told(counting)
    counting.board.answered(f"edge/{WEST}", HttpAnswers(total=2))
    assert told(counting) == {"RequestCount": 2}


def test_request_counts_name_the_balancer_as_the_deployment_does(counting: Stage) -> None:
    counting.board.answered(f"edge/{WEST}", HttpAnswers(total=1))
    told(counting)
    [balancer] = counting.client("elbv2", WEST).describe_load_balancers()["LoadBalancers"]
    [sample] = [each for each in backend_of(WEST).metric_data if each.name == "RequestCount"]
    full_name = balancer["LoadBalancerArn"].partition("loadbalancer/")[2]
    assert [(each.name, each.value) for each in sample.dimensions] == [("LoadBalancer", full_name)]


def test_a_second_balancer_in_a_region_is_refused_aloud(stage: Stage) -> None:
    stage.build()
    stage.client("elbv2", WEST).create_load_balancer(Name="other", Subnets=stage.network[1])
    with pytest.raises(LabError, match="gameday, other"):
        stage.balancer.reconcile()
