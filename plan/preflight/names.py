"""Names that must be free, or this stack's already: what is taken stops `up` halfway."""

from collections.abc import Iterator
from typing import Any

from plan.preflight.certificates import zones
from plan.preflight.facts import GLOBAL_REGION, Facts
from plan.preflight.model import Check, Verdict, ok, problem
from plan.preflight.refusals import code


def _summed(verdicts: list[Verdict], good: str) -> Iterator[Verdict]:
    """Many names are one line while all is well."""
    yield from verdicts or [ok(good)]


def _buckets(facts: Facts, region: str) -> Iterator[Verdict]:
    names = [facts.real(r.inputs["bucket"]) for r in facts.declared("s3.Bucket", region)]
    bad = [found for name in names if (found := _bucket(facts, region, name))]
    return _summed(bad, f"{len(names)} names are free or this stack's")


def _bucket(facts: Facts, region: str, name: str) -> Verdict | None:
    """S3's names are the whole world's: 403 is somebody else's bucket, 200 one of this account."""
    client = facts.client("s3", region)
    try:
        client.head_bucket(Bucket=name)
    except client.exceptions.ClientError as error:
        match code(error):
            case "404" | "NoSuchBucket":
                return None
            case "403" if name not in {b["Name"] for b in client.list_buckets()["Buckets"]}:
                return problem(f"{name} belongs to another account")
        raise
    try:
        tags = client.get_bucket_tagging(Bucket=name)["TagSet"]
    except client.exceptions.ClientError as error:
        if code(error) != "NoSuchTagSet":
            raise
        tags = []
    return None if facts.owns(tags) else problem(f"{name} exists and is not this stack's")


def _tables(facts: Facts, region: str) -> Iterator[Verdict]:
    client = facts.client("dynamodb", region)
    bad, names = [], [r.inputs["name"] for r in facts.declared("dynamodb.Table", region)]
    for name in names:
        try:
            arn = client.describe_table(TableName=name)["Table"]["TableArn"]
        except client.exceptions.ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise
            continue
        if not facts.owns(client.list_tags_of_resource(ResourceArn=arn)["Tags"]):
            bad.append(problem(f"{name} exists and is not this stack's"))
    return _summed(bad, f"{len(names)} names are free or this stack's")


def _distribution_items(facts: Facts) -> Iterator[dict[str, Any]]:
    pages = facts.client("cloudfront", GLOBAL_REGION).get_paginator("list_distributions").paginate()
    for page in pages:
        yield from page["DistributionList"].get("Items", ())


def _aliases(facts: Facts, region: str) -> Iterator[Verdict]:
    wanted = {name for r in facts.declared("cloudfront.Distribution") for name in r.inputs.get("aliases", ())}
    client, bad = facts.client("cloudfront", region), []
    for item in _distribution_items(facts):
        taken = wanted & {*item.get("Aliases", {}).get("Items", ())}
        if taken and not facts.owns(client.list_tags_for_resource(Resource=item["ARN"])["Tags"]["Items"]):
            bad.append(
                problem(f"{', '.join(sorted(taken))} is an alias of distribution {item['Id']} already")
            )
    return _summed(bad, f"{', '.join(sorted(wanted)) or 'no alias'}: nobody in this account has it")


def _records(facts: Facts, region: str) -> Iterator[Verdict]:
    """Once this stack's distribution stands, the records are taken to be its own: they carry no tags."""
    client = facts.client("cloudfront", region)
    if any(
        facts.owns(client.list_tags_for_resource(Resource=item["ARN"])["Tags"]["Items"])
        for item in _distribution_items(facts)
    ):
        yield ok("this stack's distribution stands; the records are its own")
        return
    bad, count = [], 0
    for zone, records in zones(facts).items():
        ours = [r for r in records if not r.inputs.get("allowOverwrite")]
        count += len(ours)
        found = facts.every(
            "route53", region, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone
        )
        present = {(record["Name"].rstrip("."), record["Type"]) for record in found}
        taken = {(r.inputs["name"].rstrip("."), r.inputs["type"]) for r in ours} & present
        bad += [problem(f"{name} has a record of type {kind} already") for name, kind in sorted(taken)]
    yield from _summed(bad, f"{count} records are free")


def _sign_in(facts: Facts, region: str) -> Iterator[Verdict]:
    client = facts.client("cognito-idp", region)
    for planned in facts.declared("cognito.UserPoolDomain", region):
        domain = facts.real(planned.inputs["domain"])
        found = client.describe_user_pool_domain(Domain=domain).get("DomainDescription") or {}
        if not found.get("UserPoolId"):
            yield ok(f"{domain} is free")
            continue
        pool = client.describe_user_pool(UserPoolId=found["UserPoolId"])["UserPool"]
        if facts.owns(pool.get("UserPoolTags", {})):
            yield ok(f"{domain} is this stack's")
        else:
            yield problem(f"{domain} is taken by user pool {found['UserPoolId']}")


CHECKS = (
    Check(
        id="bucket-names",
        title="Bucket names",
        why="Bucket names are unique in all of AWS.",
        fix="Delete or import the bucket, or name the environment otherwise.",
        lead_time="an hour; names of deleted buckets come free late",
        look=_buckets,
        actions=("s3:ListBucket", "s3:ListAllMyBuckets", "s3:GetBucketTagging", "sts:GetCallerIdentity"),
        types=("s3.Bucket",),
    ),
    Check(
        id="table-names",
        title="Table names",
        why="A table that was kept when its stack was destroyed still holds its name.",
        fix="Import it with `pulumi import`, or back it up and delete it.",
        lead_time="an hour",
        look=_tables,
        actions=("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"),
        types=("dynamodb.Table",),
    ),
    Check(
        id="aliases",
        title="CloudFront aliases",
        why="A name belongs to one distribution of the whole world; other accounts are seen only by `up`.",
        fix="Take the name off the other distribution, or move it with `aws cloudfront associate-alias`.",
        lead_time="an hour",
        look=_aliases,
        actions=("cloudfront:ListDistributions", "cloudfront:ListTagsForResource"),
        types=("cloudfront.Distribution",),
        everywhere=False,
    ),
    Check(
        id="dns-records",
        title="DNS records",
        why="Pulumi does not take over a record somebody else made.",
        fix="Delete the record, or import it with `pulumi import`.",
        lead_time="minutes, and the record's time to live",
        look=_records,
        actions=(
            "cloudfront:ListDistributions",
            "cloudfront:ListTagsForResource",
            "route53:ListResourceRecordSets",
        ),
        types=("route53.Record",),
        everywhere=False,
    ),
    Check(
        id="sign-in-domain",
        title="Sign-in domain",
        why="Cognito's prefixes are unique in a region, whoever's they are.",
        fix="Set identity.domain_prefix.",
        lead_time="minutes",
        look=_sign_in,
        actions=(
            "cognito-idp:DescribeUserPoolDomain",
            "cognito-idp:DescribeUserPool",
            "sts:GetCallerIdentity",
        ),
        types=("cognito.UserPoolDomain",),
    ),
)
