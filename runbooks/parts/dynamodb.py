"""The tables: which are throttled, and what they are prepared to carry."""

from runbooks.engine.places import tables
from runbooks.engine.shape import Call
from runbooks.engine.steps import Once, Subjects, Switch
from runbooks.engine.watch import Watch
from runbooks.engine.world import World

DESCRIBE = "dynamodb.describe_table"


def _throttled(what: str, metric: str) -> Watch:
    return Watch(
        what=f"throttled {what} a minute",
        namespace="AWS/DynamoDB",
        metric=metric,
        of=tables,
        statistic="Sum",
        limit=10,
    )


READS_THROTTLED = _throttled("reads", "ReadThrottleEvents")
WRITES_THROTTLED = _throttled("writes", "WriteThrottleEvents")


def key_insights(subjects: Subjects) -> Switch:
    """CloudWatch Contributor Insights names the hottest keys within minutes; it costs by event."""

    def present(world: World, table: str) -> str:
        found = world.aws.read(
            "dynamodb", "describe_contributor_insights", TableName=world.named("tables", table)
        )
        return "on" if str(found["ContributorInsightsStatus"]).startswith("ENABL") else "off"

    def call(world: World, table: str, state: str) -> Call:
        request = {
            "TableName": world.named("tables", table),
            "ContributorInsightsAction": "ENABLE" if state == "on" else "DISABLE",
        }
        return Call(service="dynamodb", operation="update_contributor_insights", request=request)

    return Switch(
        name="watch the keys",
        effect="the hottest keys are named in CloudWatch: read them there, then fix who asks for them",
        subjects=subjects,
        present=present,
        wanted=lambda _, __, ___: "on",
        call=call,
        calls=("dynamodb.describe_contributor_insights", "dynamodb.update_contributor_insights"),
    )


def warm(reads: int, writes: int, subjects: Subjects) -> Once:
    """So many units at once without waiting for on-demand to grow. It can never be lowered; paid once."""

    def has(world: World, table: str) -> tuple[int, int]:
        found = world.aws.read("dynamodb", "describe_table", TableName=world.named("tables", table))["Table"]
        units = found.get("WarmThroughput") or {}
        return int(units.get("ReadUnitsPerSecond", 0)), int(units.get("WriteUnitsPerSecond", 0))

    def call(world: World, table: str) -> Call:
        now = has(world, table)
        units = {
            "ReadUnitsPerSecond": max(reads, now[0]),
            "WriteUnitsPerSecond": max(writes, now[1]),
        }
        request = {"TableName": world.named("tables", table), "WarmThroughput": units}
        return Call(service="dynamodb", operation="update_table", request=request)

    return Once(
        name="warm the table",
        effect="its partitions split, so that one takes less of the whole",
        subjects=subjects,
        done=lambda world, table: has(world, table)[0] >= reads and has(world, table)[1] >= writes,
        call=call,
        calls=(DESCRIBE, "dynamodb.update_table"),
        before=lambda world, table: "{} reads, {} writes a second".format(*has(world, table)),
        after=f"{reads} reads, {writes} writes a second",
        no_undo="warm throughput cannot be lowered; it costs nothing once it is paid",
    )
