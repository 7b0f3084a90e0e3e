"""One line to production as a CodePipeline (OPS-8): which builds in which order, and where a person is asked.

Type V2, because only that one starts by what was changed and lets no newer commit be overtaken. What the
builds do is `components.build_project`; which lines there are, `components.delivery`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input
from pydantic import Field

from components.base import Component
from components.build_project import Artifacts
from contract.base import Shape

SOURCE, BUILT = "Source", "Image"
# The connection's provider as CodePipeline calls it.
CONNECTED = "CodeStarSourceConnection"
Action = aws.codepipeline.PipelineStageActionArgsDict


class Line(Shape):
    """One way to production."""

    what: str
    paths: tuple[str, ...] = Field(min_length=1, max_length=8)
    targets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the code is."""

    connection_arn: Input[str]
    repository: str
    branch: str


@dataclass(frozen=True, kw_only=True)
class PipelineArgs:
    """`pipeline`: its name. `projects`: build -> project. `first`, `last`: stacks around the approval."""

    pipeline: str
    line: str
    data: Line
    role_arn: Input[str]
    artifacts: Artifacts
    source: Source
    projects: Mapping[str, str]
    first: str
    last: str
    topic_arn: Input[str]


class Pipeline(Component):
    """Source, image, test, up, approval, up, smoke."""

    kind = "delivery:Pipeline"

    def __init__(self, name: str, args: PipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        made = aws.codepipeline.Pipeline(
            f"{name}-pipeline",
            name=args.pipeline,
            pipeline_type="V2",
            execution_mode="QUEUED",
            role_arn=args.role_arn,
            artifact_stores=[
                {
                    "type": "S3",
                    "location": args.artifacts.bucket,
                    "encryption_key": {"type": "KMS", "id": args.artifacts.key_arn},
                }
            ],
            triggers=[self._trigger()],
            stages=[{"name": stage, "actions": [action]} for stage, action in self._stages().items()],
            opts=self.child(),
        )
        self.register_outputs({"pipeline": made.name})

    def _trigger(self) -> aws.codepipeline.PipelineTriggerArgsDict:
        pushed: aws.codepipeline.PipelineTriggerGitConfigurationPushArgsDict = {
            "branches": {"includes": [self._args.source.branch]},
            "file_paths": {"includes": list(self._args.data.paths)},
        }
        return {
            "provider_type": CONNECTED,
            "git_configuration": {"source_action_name": SOURCE, "pushes": [pushed]},
        }

    def _stages(self) -> Mapping[str, Action]:
        first, last = f"up-{self._args.first}", f"up-{self._args.last}"
        return {
            SOURCE: self._source(),
            BUILT: self._build("image"),
            "Test": self._build("test"),
            first.title(): self._build(first),
            "Approve": self._ask(),
            last.title(): self._build(last),
            "Smoke": self._build("smoke"),
        }

    def _source(self) -> Action:
        source = self._args.source
        return {
            "name": SOURCE,
            "category": "Source",
            "owner": "AWS",
            "provider": CONNECTED,
            "version": "1",
            "output_artifacts": ["source"],
            "configuration": {
                "ConnectionArn": source.connection_arn,
                "FullRepositoryId": source.repository,
                "BranchName": source.branch,
            },
        }

    def _build(self, build: str) -> Action:
        return {
            "name": build,
            "category": "Test" if build in {"test", "smoke"} else "Build",
            "owner": "AWS",
            "provider": "CodeBuild",
            "version": "1",
            # What the image build exports is known to later stages under this name.
            "namespace": BUILT if build == "image" else None,
            "input_artifacts": ["source"],
            "configuration": {
                "ProjectName": self._args.projects[build],
                "EnvironmentVariables": json.dumps(self._told(build)),
            },
        }

    def _told(self, build: str) -> list[dict[str, str]]:
        said = {"LINE": self._args.line}
        if build.startswith("up-"):
            said["IMAGE_DIGEST"] = f"#{{{BUILT}.IMAGE_DIGEST}}"
            said["TARGETS"] = " ".join(self._args.data.targets)
        return [{"name": key, "value": value, "type": "PLAINTEXT"} for key, value in sorted(said.items())]

    def _ask(self) -> Action:
        args = self._args
        return {
            "name": "approve",
            "category": "Approval",
            "owner": "AWS",
            "provider": "Manual",
            "version": "1",
            "configuration": {
                "NotificationArn": args.topic_arn,
                "CustomData": f"{args.data.what}: {args.first} runs it; should {args.last}?",
            },
        }
