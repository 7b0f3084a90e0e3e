"""Writes registry.txt, the AWS types that checkov knows, after `make lock` took a newer checkov:

    python -m policies.checkov.registry

Checkov's own environment is asked: the types its checks are for, and its list of types for graph checks.
"""

import subprocess

from policies.checkov.names import REGISTRY
from policies.checkov.run import ENVIRONMENT, CheckovError

_ASKS = """
from checkov.common.checks_infra.registry import get_graph_checks_registry
from checkov.common.checks_infra.resources_types import resources_types
from checkov.terraform.checks.resource.registry import resource_registry
from checkov.terraform.runner import Runner
from checkov.version import version
graph = get_graph_checks_registry("terraform")
graph.load_checks()
known = {*resources_types["aws"], *resource_registry.checks}
known |= {kind for check in graph.checks for kind in check.resource_types or ()}
print(f"# The AWS types that the checks of checkov {version} know. ", end="")
print("Written by `python -m policies.checkov.registry`.")
print("\\n".join(sorted(kind for kind in known if kind.startswith("aws_"))))
"""


def written() -> str:
    """What the file should hold."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        raise CheckovError("checkov is not installed: run `make checkov` once")
    asked = subprocess.run([str(python), "-c", _ASKS], capture_output=True, text=True, check=True)
    return asked.stdout


if __name__ == "__main__":
    REGISTRY.write_text(written(), encoding="utf-8")
