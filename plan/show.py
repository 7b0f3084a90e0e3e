"""The plan as a person reads it: components with counts, outputs, warnings. Only words, no decisions."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from plan.model import PROVIDER_PREFIX, Plan, Resource, Secret, short_type

# More kinds than this in one component and the line stops being readable.
_KINDS_SHOWN = 6
_OUTPUT_SHOWN = 60


def render(plan: Plan) -> RenderableType:
    """Tree by component, then outputs, then warnings."""
    parts: list[RenderableType] = [Text(summary_line(plan), style="bold"), _tree(plan)]
    if plan.outputs:
        parts.append(_outputs(plan))
    parts.extend(Text(f"warning: {warning}", style="yellow") for warning in plan.warnings)
    return Group(*parts)


def summary_line(plan: Plan) -> str:
    """The plan in one line."""
    regions = sorted({resource.region for resource in plan.cloud if resource.region})
    counts = f"{len(plan.cloud)} resources in {len(plan.components)} components"
    return f"stack {plan.stack}: {counts}, {', '.join(regions)}"


def _tree(plan: Plan) -> Tree:
    tree = Tree(Text(plan.root.name, style="bold"), guide_style="dim")
    loose = [r for r in plan.children(plan.root.urn) if r.custom and not r.type.startswith(PROVIDER_PREFIX)]
    if loose:
        tree.add(Text(_kinds(loose)))
    for component in plan.children(plan.root.urn):
        if not component.custom:
            _branch(plan, tree, component)
    return tree


def _branch(plan: Plan, above: Tree, component: Resource) -> None:
    everything = [r for r in plan.below(component.urn) if r.custom]
    own = [r for r in plan.children(component.urn) if r.custom]
    line = Text.assemble((component.name, "cyan"), f"  {len(everything)}")
    region = component.outputs.get("region")
    if isinstance(region, str):
        line.append(f"  {region}", style="dim")
    if own:
        line.append(f"  {_kinds(own)}", style="dim")
    branch = above.add(line)
    for child in plan.children(component.urn):
        if not child.custom:
            _branch(plan, branch, child)


def _kinds(resources: Iterable[Resource]) -> str:
    """`9 Subnet, 6 RouteTable ...`, most numerous first."""
    counts = Counter(short_type(r.type).rpartition(".")[2] for r in resources)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{count} {kind}" for kind, count in ranked[:_KINDS_SHOWN]]
    rest = sum(count for _, count in ranked[_KINDS_SHOWN:])
    return ", ".join([*shown, f"{rest} more"] if rest else shown)


def _outputs(plan: Plan) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for key, value in sorted(plan.outputs.items()):
        table.add_row(Text(key, style="dim"), _shortened(str(value)))
    return table


def _shortened(text: str) -> str:
    """A whole document is for `--json`."""
    return text if len(text) <= _OUTPUT_SHOWN else f"{text[:_OUTPUT_SHOWN]} ... ({len(text):,} characters)"


def as_json(plan: Plan) -> dict[str, Any]:
    """Counts and names; `--save` writes the whole plan."""
    return {
        "stack": plan.stack,
        "resources": len(plan.cloud),
        "components": [_component(plan, component) for component in plan.components],
        "outputs": {k: None if isinstance(v, Secret) else v for k, v in plan.outputs.items()},
        "warnings": list(plan.warnings),
    }


def _component(plan: Plan, component: Resource) -> dict[str, Any]:
    kinds = Counter(short_type(r.type) for r in plan.children(component.urn) if r.custom)
    return {
        "name": component.name,
        "type": short_type(component.type),
        "resources": dict(sorted(kinds.items())),
    }
