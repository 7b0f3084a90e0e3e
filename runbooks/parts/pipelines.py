"""The delivery pipelines: starting one, and knowing that it was."""

from datetime import timedelta

from runbooks.engine.shape import Call
from runbooks.engine.steps import Once
from runbooks.engine.world import World

LIST = "codepipeline.list_pipeline_executions"
_RECENT = timedelta(hours=2)


def started(world: World, line: str) -> bool:
    """Within the last two hours, and not failed."""
    name = world.named("pipelines", line)
    runs = world.aws.read("codepipeline", "list_pipeline_executions", pipelineName=name, maxResults=5)
    return any(
        run["status"] not in {"Failed", "Stopped", "Cancelled"}
        and world.clock.now() - run["startTime"] < _RECENT
        for run in runs["pipelineExecutionSummaries"]
    )


def start(line: str, effect: str) -> Once:
    """Starts a line with what is merged; its approvals are asked for as always."""
    return Once(
        name=f"start the pipeline {line}",
        effect=effect,
        subjects=lambda _: (line,),
        done=started,
        call=lambda world, line: Call(
            service="codepipeline",
            operation="start_pipeline_execution",
            request={"name": world.named("pipelines", line)},
        ),
        calls=(LIST, "codepipeline.start_pipeline_execution"),
        after="started",
        no_undo="stop the execution in CodePipeline before its approval",
    )
