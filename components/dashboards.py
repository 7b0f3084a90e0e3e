"""What components say of how they look, on the pages people open (OPS-3): one CloudWatch dashboard a page.

Which widgets stand on which page is data (`dashboards.toml`); the widgets are the components' own. A page
shows one region; what AWS tells only in us-east-1 (CloudFront, its web ACL) stands on the primary's pages.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.alarms import Quiet, Watched
from components.base import Component
from components.place import Place
from contract.alarms import Widget
from contract.base import Shape
from contract.metrics import ENVIRONMENT, NAMESPACE

WAR_ROOM = "war-room"
# CloudWatch's own grid is 24 wide; three graphs in a row can be read from the back of a room.
_COLUMNS, _WIDTH, _HEIGHT, _HEADER = 3, 8, 6, 2
_PERIOD_S = 60
# A widget of alarms holds so many: CloudWatch user guide, "Dashboard body structure and syntax".
_ALARMS = 100


class Page(Shape):
    """One page of `dashboards.toml`."""

    title: str
    people: str
    shows: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@cache
def pages() -> Mapping[str, Page]:
    """Name -> page, the war room first."""
    rows = tomllib.loads(Path(__file__).with_name("dashboards.toml").read_text(encoding="utf-8"))
    return {name: Page.model_validate(row) for name, row in rows.items()}


@dataclass(frozen=True, kw_only=True)
class DashboardsArgs:
    """`parts`: region -> the components seen from there. `pagers`: names of alarms that wake somebody."""

    environment: str
    role: str
    place: Place
    pages: Sequence[str]
    parts: Mapping[str, Sequence[Watched]]
    pagers: Sequence[str]


class Dashboards(Quiet, Component):
    """The pages of one region."""

    kind = "operations:Dashboards"
    quiet = "pages show what others publish"

    def __init__(self, name: str, args: DashboardsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args, self._every = args, placed(args.parts)
        for page in args.pages:
            aws.cloudwatch.Dashboard(
                f"{name}-{page}",
                dashboard_name=f"concierge-{args.environment}-{args.role}-{page}",
                dashboard_body=Output.json_dumps(self._body(page)),
                opts=self.child(),
            )
        self.register_outputs({})

    def _body(self, name: str) -> dict[str, Any]:
        page, region = pages()[name], self._args.place.region
        heading = f"# {page.title}\n{page.people} ({self._args.environment}, {region})"
        widgets: list[dict[str, Any]] = [_at(0, 0, 24, _HEADER, "text", {"markdown": heading})]
        y = _HEADER
        if name == WAR_ROOM and self._args.pagers:
            arns = [
                self._args.place.arn("cloudwatch", f"alarm:{each}") for each in self._args.pagers[:_ALARMS]
            ]
            red = {"title": "Alarms that wake somebody", "alarms": arns}
            widgets.append(_at(0, y, 24, _HEIGHT, "alarm", red))
            y += _HEIGHT
        for number, found in enumerate(shown(page, self._every)):
            row, column = divmod(number, _COLUMNS)
            graph = _graph(found.widget, found.region, self._args.environment)
            widgets.append(_at(column * _WIDTH, y + row * _HEIGHT, _WIDTH, _HEIGHT, "metric", graph))
        return {"widgets": widgets}


@dataclass(frozen=True)
class Placed:
    """A widget, the kind of component that declares it, and the region where its metric is."""

    kind: str
    widget: Widget
    region: str


def placed(parts: Mapping[str, Sequence[Watched]]) -> list[Placed]:
    """Every widget there is."""
    return [
        Placed(part.kind, widget, region)
        for region, seen in parts.items()
        for part in seen
        for widget in part.widgets()
    ]


def shown(page: Page, every: Sequence[Placed]) -> list[Placed]:
    """Those that a page names, in its order, then those of its kinds."""
    named = [found for title in page.shows for found in every if found.widget.title == title]
    of_kinds = [found for kind in page.kinds for found in every if found.kind == kind]
    return named + [found for found in of_kinds if found not in named]


def _at(x: int, y: int, width: int, height: int, kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties}


def _graph(widget: Widget, region: str, environment: str) -> dict[str, Any]:
    return {
        "title": widget.title,
        "region": region,
        "view": "timeSeries",
        "stat": widget.statistic,
        "period": _PERIOD_S,
        "metrics": [*_lines(widget, environment)],
        "yAxis": {"left": {"min": 0}},
    }


def _lines(widget: Widget, environment: str) -> Iterator[list[Any]]:
    """A line for each set of dimensions; where only AWS knows a value, a search for all there are."""
    ours = {ENVIRONMENT: environment} if widget.namespace == NAMESPACE else {}
    for number, dimensions in enumerate(widget.dimensions):
        known = {**ours, **dimensions}
        if widget.across:
            yield [{"expression": _search(widget, known), "id": f"e{number}"}]
        else:
            label = ", ".join(dimensions.values()) or widget.metric
            yield [
                widget.namespace,
                widget.metric,
                *(word for pair in known.items() for word in pair),
                {"label": label},
            ]


def _search(widget: Widget, known: Mapping[str, str]) -> str:
    schema = ",".join([widget.namespace, *(_quoted(name) for name in sorted({*known, *widget.across}))])
    terms = " ".join([f'MetricName="{widget.metric}"', *(f'{_quoted(k)}="{v}"' for k, v in known.items())])
    return f"SEARCH('{{{schema}}} {terms}', '{widget.statistic}', {_PERIOD_S})"


def _quoted(name: str) -> str:
    """Names with spaces stand in quotes: CloudWatch user guide, "search expression syntax"."""
    return json.dumps(name) if " " in name else name
