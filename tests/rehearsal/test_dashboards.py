"""Dashboards drawn before anything is deployed: what the stack declares, with what a rehearsal measured."""

import json
from pathlib import Path

import pytest

from plan import Plan
from rehearsal import dashboards, history
from rehearsal.dashboard_drawing import draw
from rehearsal.dashboards import DashboardError
from rehearsal.history import HistoryError
from tests.plan.drawing_helpers import read


def emf(at: float, metric: str, value: float, **dimensions: str) -> str:
    """A metric line as the runtime writes it."""
    directive = {"Dimensions": [list(dimensions)], "Metrics": [{"Name": metric, "Unit": "Count"}]}
    envelope = {"Timestamp": int(at * 1_000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": envelope, metric: value, **dimensions})


@pytest.fixture
def rehearsed(tmp_path: Path) -> Path:
    """A minute in which T0 answers more and more, among lines that are no metrics."""
    lines = [emf(1_000 + second, "Messages", second, Environment="dev", Tier="T0") for second in range(60)]
    (tmp_path / "runtime.out").write_text("\n".join(['{"ready": true}', *lines, '{"_aws": {"Timest']))
    return tmp_path


def test_every_widget_of_every_page_is_drawn(prod: Plan):
    for page in dashboards.pages(prod):
        words = " | ".join(word.text for word in read(draw(page, None)).words)
        for widget in page.widgets:
            if widget["type"] == "metric":
                assert widget["properties"]["title"] in words
    assert len(dashboards.pages(prod)) == 18


def test_what_a_rehearsal_measured_is_a_line_and_what_it_did_not_is_told(prod: Plan, rehearsed: Path):
    (page,) = dashboards.pages(prod, "primary-war-room")
    found = history.read(rehearsed)
    (answered,) = [w for w in page.widgets if w["properties"].get("title") == "Messages answered"]
    only = dashboards.Page(page.name, page.region, (answered,))
    with_numbers, without = read(draw(only, found)), read(draw(only, None))

    texts = [word.text for word in with_numbers.words]
    assert "59" in texts, "the largest value is at the top of the axis"
    assert "T0" in texts
    assert "T1" not in texts, "a tier that answered nothing has no line"
    assert "no metrics" not in texts
    assert "no metrics" in [word.text for word in without.words]


def test_a_rehearsal_without_metrics_is_told(tmp_path: Path):
    with pytest.raises(HistoryError, match=r"runtime\.out: No such file"):
        history.read(tmp_path)
    (tmp_path / "runtime.out").write_text('{"ready": true}\n')
    with pytest.raises(HistoryError, match="holds no metrics"):
        history.read(tmp_path)


def test_a_page_that_is_none_is_told_with_those_there_are(prod: Plan, dev: Plan):
    with pytest.raises(DashboardError, match=r"lounge: .* there are: concierge-prod-primary-agents, "):
        dashboards.pages(prod, "lounge")
    with pytest.raises(DashboardError, match=r"operations\.dashboards says which are made"):
        dashboards.pages(dev)


def test_all_pages_go_into_one_html_file_and_a_picture_holds_one(prod: Plan, tmp_path: Path):
    chosen = dashboards.pages(prod, "-cost")
    drawn = [draw(page, None) for page in chosen]
    dashboards.write(chosen, drawn, tmp_path / "cost.html")
    html = (tmp_path / "cost.html").read_text()
    assert html.count("<svg ") == html.count("<section id=") == 2

    with pytest.raises(DashboardError, match="a picture holds one page"):
        dashboards.write(chosen, drawn, tmp_path / "cost.png")
    dashboards.write(chosen[:1], drawn[:1], tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "why"), [("d.bmp", "are drawn as"), ("no/d.png", "there is no folder")])
def test_where_nothing_can_be_drawn_it_is_told_at_once(tmp_path: Path, name: str, why: str):
    with pytest.raises(DashboardError, match=why):
        dashboards.check(tmp_path / name)
