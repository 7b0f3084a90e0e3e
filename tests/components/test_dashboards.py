"""The pages in CloudWatch (OPS-3): every widget is on one, and each says what CloudWatch understands."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest

from components.base import Component
from components.dashboards import pages, placed, shown
from contract.alarms import Widget
from contract.metrics import known
from plan import Plan, of_program
from stacks import estate, settings, stackfile
from stacks.stackfile import SettingsError
from tests.conftest import Planned

BUILT = {"agent.image_digest": f"sha256:{'4f' * 32}"}
# CloudWatch user guide, "CloudWatch service quotas" and PutDashboard.
WIDGETS, METRICS_A_WIDGET, METRICS = 500, 500, 2_500


@pytest.fixture(scope="module")
def bodies(planned: Planned) -> dict[str, Any]:
    """Dashboard -> its body, of prod with services in it."""
    found = planned("prod", BUILT).of_type("cloudwatch.Dashboard")
    return {each.inputs["dashboardName"]: json.loads(each.inputs["dashboardBody"]) for each in found}


def graphs(body: Any) -> list[Any]:
    return [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]


def test_each_region_of_prod_has_every_page_and_dev_none(bodies: dict[str, Any], dev: Plan):
    """OPS-3; in dev they would cost more than they tell."""
    assert set(bodies) == {
        f"concierge-prod-{role}-{page}" for role in ("primary", "standby") for page in pages()
    }
    assert dev.of_type("cloudwatch.Dashboard") == ()


def test_pages_can_be_chosen_and_one_that_is_none_is_told(planned: Planned):
    made = planned("dev", {"operations.dashboards": '["war-room"]'}).of_type("cloudwatch.Dashboard")
    assert [each.inputs["dashboardName"] for each in made] == ["concierge-dev-primary-war-room"]
    with pytest.raises(
        SettingsError, match=r"operations\.dashboards.* has 'lounge', which is no page: there are"
    ):
        planned("dev", {"operations.dashboards": '["lounge"]'})


def test_no_page_is_empty_where_people_are_served(bodies: dict[str, Any]):
    """SageMaker's waits for endpoints."""
    for name, body in bodies.items():
        assert graphs(body) or name.endswith("-sagemaker"), name


def test_every_line_names_a_metric_somebody_publishes_under_these_dimensions(bodies: dict[str, Any]):
    for body in bodies.values():
        for graph in graphs(body):
            for namespace, metric, dimensions in map(line, graph["metrics"]):
                published = known(namespace)[metric]
                names = dimensions - {"Environment"} if namespace == "Concierge" else dimensions
                assert names in [set(each) for each in published.dimensions], (graph["title"], metric, names)


def line(row: list[Any]) -> tuple[str, str, set[str]]:
    """(namespace, metric, names of dimensions) of a line or of a search."""
    if len(row) == 1:
        found = re.fullmatch(
            r"SEARCH\('\{(?P<schema>[^}]*)\} MetricName=\"(?P<metric>[^\"]+)\"(?P<terms>.*)', '[\w.]+', 60\)",
            row[0]["expression"],
        )
        assert found, row
        namespace, *names = (name.strip('"') for name in found["schema"].split(","))
        return namespace, found["metric"], set(names)
    namespace, metric, *pairs, look = row
    assert set(look) == {"label"}
    return namespace, metric, set(pairs[::2])


def test_nothing_overlaps_and_the_rows_are_full(bodies: dict[str, Any]):
    for name, body in bodies.items():
        squares = Counter(
            (x, y)
            for w in body["widgets"]
            for x in range(w["x"], w["x"] + w["width"])
            for y in range(w["y"], w["y"] + w["height"])
        )
        assert max(squares.values()) == 1, name
        assert max(x for x, _ in squares) < 24, name


def test_pages_are_within_the_limits_of_cloudwatch(bodies: dict[str, Any]):
    for name, body in bodies.items():
        counts = [len(graph["metrics"]) for graph in graphs(body)]
        assert len(body["widgets"]) <= WIDGETS, name
        assert max(counts, default=0) <= METRICS_A_WIDGET, name
        assert sum(counts) <= METRICS, name


def test_the_war_room_shows_first_what_wakes_somebody(planned: Planned, bodies: dict[str, Any]):
    page = bodies["concierge-prod-primary-war-room"]["widgets"]
    assert [w["type"] for w in page[:2]] == ["text", "alarm"]
    named = {arn.rpartition(":alarm:")[2] for arn in page[1]["properties"]["alarms"]}
    found = planned("prod", BUILT)
    declared = [*found.of_type("cloudwatch.MetricAlarm"), *found.of_type("cloudwatch.CompositeAlarm")]
    pagers = {
        a.inputs.get("name") or a.inputs["alarmName"]
        for a in declared
        if a.name.startswith("primary-alarms-") and a.inputs["tags"]["Severity"] == "page"
    }
    assert "concierge-prod-shoppers-hurt" in named
    assert named <= pagers
    assert len(named) == min(len(pagers), 100)


def test_what_stands_once_is_on_the_pages_of_the_primary(bodies: dict[str, Any]):
    def namespaces(name: str) -> set[str]:
        return {line(row)[0] for graph in graphs(bodies[name]) for row in graph["metrics"]}

    assert "AWS/CloudFront" in namespaces("concierge-prod-primary-technical")
    assert "AWS/CloudFront" not in namespaces("concierge-prod-standby-technical")


def test_every_widget_is_on_a_page_and_every_page_shows_what_there_is(root: Path):
    """Of prod with services in it; kinds that prod does not have are components all the same."""
    declared: list[estate.Estate] = []
    found = stackfile.read("prod", root).changed(BUILT)

    def program() -> None:
        declared.append(estate.build(settings.from_pulumi(), project="concierge", stack="prod"))

    of_program(program, project=found.project, stack="prod", config=found.config)
    made = declared[0]
    parts = [part for region in made.regions.values() for part in region.watched] + made.world.watched
    titles = {widget.title for part in parts for widget in part.widgets()}
    on_pages = {title for page in pages().values() for title in page.shows}
    kinds = {kind for page in pages().values() for kind in page.kinds}

    assert on_pages <= titles
    assert [p.kind for p in parts if p.kind not in kinds and {w.title for w in p.widgets()} - on_pages] == []
    assert kinds <= {each.kind for each in subclasses(Component) if hasattr(each, "kind")}


def subclasses(kind: type[Component]) -> set[type[Component]]:
    return {each for direct in kind.__subclasses__() for each in {direct, *subclasses(direct)}}


def test_a_page_shows_what_it_names_first_and_nothing_twice():
    page = pages()["war-room"].model_copy(update={"shows": ("b", "a"), "kinds": ("toy:Toy",)})
    every = placed({"eu-west-1": [Toy("a", "b", "c")]})
    assert [found.widget.title for found in shown(page, every)] == ["b", "a", "c"]


class Toy:
    """A part with widgets."""

    kind: ClassVar[str] = "toy:Toy"

    def __init__(self, *titles: str) -> None:
        self._titles = titles

    def alarms(self) -> list[Any]:
        return []

    def widgets(self) -> list[Widget]:
        return [Widget(title=title, metric="Failed", statistic="Average") for title in self._titles]
