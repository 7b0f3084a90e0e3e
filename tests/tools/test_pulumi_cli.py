"""The CLI that tests/engine runs is of the SDK's release, or a little later: never older."""

import re
from pathlib import Path

# An engine serves older SDKs of its major version. This much later the nearest release served may be.
AHEAD = 10


def versions(text: str, form: str) -> list[tuple[int, ...]]:
    return [tuple(map(int, found.split("."))) for found in re.findall(form, text, re.MULTILINE)]


def test_the_pinned_cli_follows_the_sdk_of_the_lock(root: Path):
    module = (root / "tools" / "pulumi" / "go.mod").read_text()
    (sdk,) = versions((root / "requirements" / "all.txt").read_text(), r"^pulumi==([\d.]+)")
    (cli,) = versions(module, r"^require github\.com/pulumi/pulumi/pkg/v3 v([\d.]+)$")
    assert cli[0] == sdk[0]
    assert sdk <= cli
    assert cli[1] - sdk[1] <= AHEAD


def test_the_executor_of_programs_is_of_the_same_release(root: Path):
    module = (root / "tools" / "pulumi" / "go.mod").read_text()
    (cli,) = versions(module, r"github\.com/pulumi/pulumi/pkg/v3 v([\d.]+)$")
    assert versions(module, r"github\.com/pulumi/pulumi/sdk/v3 v([\d.]+) // indirect$") == [cli]
