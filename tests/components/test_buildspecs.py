"""OPS-8: what the builds of a pipeline do, as CodeBuild reads their files; the parts that wait are run."""

import subprocess
from pathlib import Path

import pytest
import yaml

from components import build_project


class TestBuildspecs:
    """As CodeBuild reads them."""

    files = sorted(build_project.SPECS.glob("*.yml"))

    @pytest.mark.parametrize("file", files, ids=lambda file: file.stem)
    def test_every_block_stops_at_a_failure_and_needs_no_other(self, file: Path):
        """CodeBuild stops after a command that failed, but looks at the last line of a block only."""
        spec = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert (spec["version"], spec["env"]["shell"]) == (0.2, "bash")
        (commands,) = [phase["commands"] for phase in spec["phases"].values()]
        for command in commands:
            loops = any(word in command for word in ("for ", "if ", "|\n"))
            assert not loops or "set -" in command, command
            assert subprocess.run(["bash", "-n", "-c", command], check=False).returncode == 0, command

    @pytest.mark.parametrize("file", files, ids=lambda file: file.stem)
    def test_they_hold_no_key_and_ask_for_none(self, file: Path):
        text = file.read_text(encoding="utf-8")
        for word in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "PULUMI_ACCESS_TOKEN", "secrets-manager"):
            assert word not in text

    def test_only_pulumi_deploys(self):
        deploys = [file.stem for file in self.files if "pulumi up" in file.read_text(encoding="utf-8")]
        assert deploys == ["up"]
        assert not any("cloudformation" in f.read_text() or "ecs update" in f.read_text() for f in self.files)

    def test_the_image_build_tells_later_stages_its_digest(self):
        spec = yaml.safe_load((build_project.SPECS / "image.yml").read_text(encoding="utf-8"))
        assert spec["env"]["exported-variables"] == ["IMAGE_DIGEST"]

    @pytest.mark.parametrize(
        ("outcomes", "ends", "tries"),
        [(["0"], 0, 1), (["1"], 1, 1), (["locked", "locked", "0"], 0, 3), (["locked", "1"], 1, 2)],
    )
    def test_an_up_waits_for_another_line_and_for_nothing_else(
        self, tmp_path: Path, outcomes: list[str], ends: int, tries: int
    ):
        """The last block of up.yml, with a `pulumi` that ends as told."""
        spec = yaml.safe_load((build_project.SPECS / "up.yml").read_text(encoding="utf-8"))
        (tmp_path / "outcomes").write_text("\n".join(outcomes) + "\n")
        pulumi = (
            'echo "$@" >>calls; next=$(head -n1 outcomes); sed -i 1d outcomes\n'
            '[ "$next" != locked ] || { echo "the stack is currently locked by 1 lock(s)"; exit 255; }\n'
            'exit "$next"\n'
        )
        for name, body in (("pulumi", pulumi), ("sleep", "true\n")):
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}")
            (tmp_path / name).chmod(0o755)
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TARGETS": "**::*-agent-chat-*"}
        last = spec["phases"]["build"]["commands"][-1]
        done = subprocess.run(
            ["bash", "-c", last], cwd=tmp_path, env=environment, check=False, capture_output=True
        )
        assert done.returncode == ends
        calls = (tmp_path / "calls").read_text().splitlines()
        assert len(calls) == tries
        assert all(call.endswith("--target **::*-agent-chat-*") for call in calls)
