"""The table of replacements: fresh, complete for our plans, and each row says who says so."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from plan import Plan
from plan.replacements import lookup
from tools import cfn_schemas, replacements, sdk_docs

PARAMETER = "aws:ssm/parameter:Parameter"


def row(token: str, path: str) -> replacements.Row | None:
    """What the tool makes of one property."""
    properties = tuple(sdk_docs.properties(token))
    found = replacements.rows(replacements.types()[token], properties)
    return next((found_row for found_row in found if found_row.path == path), None)


def curated(root: Path) -> Iterator[tuple[str, str, str, str]]:
    """(type, property, verdict, source) of the rows by hand."""
    document = tomllib.loads((root / "plan" / "replacements_curated.toml").read_text())
    for entry in document["rows"]:
        for token in entry["types"]:
            for name in entry["properties"]:
                yield token, name, entry["verdict"], entry["source"]


def test_the_file_is_what_the_installed_sources_say() -> None:
    assert replacements.TABLE.read_text() == replacements.table(), "run: python tools/replacements.py"


def test_every_type_of_our_plans_has_its_line(either: Plan) -> None:
    missing = {r.type for r in either.resources if r.custom} - replacements.types().keys()
    assert not missing, f"add to tools/cfn_types.toml and run tools/replacements.py: {sorted(missing)}"


def test_a_type_has_an_equal_or_a_reason_for_having_none() -> None:
    for token, entry in replacements.types().items():
        assert ("cfn" in entry) != ("none" in entry), token


def test_what_cloudformation_can_only_create_replaces() -> None:
    found = row("aws:ec2/subnet:Subnet", "cidrBlock")
    assert found is not None
    assert found.verdict == "replace"
    assert found.source == "cfn AWS::EC2::Subnet createOnlyProperties/CidrBlock (cfn-lint {cfn-lint})"


def test_what_it_knows_otherwise_updates() -> None:
    found = row("aws:ec2/subnet:Subnet", "tags")
    assert found is not None
    assert found.verdict == "update"
    assert "AWS::EC2::Subnet properties/Tags" in found.source


def test_where_docs_and_schema_disagree_the_docs_win_and_the_row_names_both() -> None:
    found = row(PARAMETER, "tier")
    assert found is not None
    assert found.verdict == "unknown"
    docs, against, schema = found.source.partition("; against update by ")
    assert "will recreate the resource" in docs
    assert against
    assert schema.startswith("cfn AWS::SSM::Parameter properties/Tier")


def test_what_neither_knows_has_no_row() -> None:
    assert row(PARAMETER, "overwrite") is None
    assert lookup(PARAMETER, ["overwrite"]).verdict == "unknown"


def test_parts_of_blocks_are_found_by_path_by_joined_name_and_by_the_table_of_names() -> None:
    assert (
        lookup("aws:ec2/vpcEndpoint:VpcEndpoint", ["dnsOptions", "privateDnsPreference"]).verdict == "replace"
    )
    assert "HealthCheckPath" in lookup("aws:lb/targetGroup:TargetGroup", ["healthCheck", "path"]).source
    subnets = lookup("aws:ecs/service:Service", ["networkConfiguration", "subnets"])
    assert "NetworkConfiguration/AwsvpcConfiguration/Subnets" in subnets.source


def test_whatever_is_in_a_block_that_replaces_replaces() -> None:
    part = ["importTable", "s3BucketSource", "bucket"]
    assert row("aws:dynamodb/table:Table", ".".join(part)) is None
    assert lookup("aws:dynamodb/table:Table", part).verdict == "replace"


def test_a_part_of_a_bucket_that_is_a_resource_of_its_own_here() -> None:
    block = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    assert (
        "AWS::S3::Bucket properties/PublicAccessBlockConfiguration"
        in lookup(block, ["blockPublicAcls"]).source
    )
    assert lookup(block, ["bucket"]).verdict == "replace"


def test_a_name_that_the_schema_does_not_have_is_an_error() -> None:
    entry = {"cfn": "AWS::EC2::Subnet", "names": {"cidrBlock": "CidrBlok"}}
    with pytest.raises(LookupError, match="AWS::EC2::Subnet has no CidrBlok"):
        list(replacements.rows(entry, tuple(sdk_docs.properties("aws:ec2/subnet:Subnet"))))


@pytest.mark.parametrize(
    ("doc", "verdict"),
    [
        ("The name. Changing this forces a new resource to be created.", "replace"),
        ("Forces new resource.", "replace"),
        ("Changing this value will re-create the resource.", "replace"),
        ("Changing the `snapshot_name` forces a new resource.", "replace"),
        ("If the tier is lower, this will force a recreation of the resource.", "unknown"),
        ("Adding or removing this configuration forces a new resource.", "unknown"),
        ("Whether all objects should be deleted so that the bucket can be destroyed.", None),
        ("Enable to force a new task deployment of the service.", None),
        ("Text that replaces a match. Replacement string to use.", None),
        ("", None),
    ],
)
def test_how_the_docs_are_read(doc: str, verdict: str | None) -> None:
    word = sdk_docs.word_on(doc)
    assert (word.verdict if word else None) == verdict


def test_quotes_are_short() -> None:
    word = sdk_docs.word_on("Changing this forces a new resource, " + "and so on " * 20)
    assert word is not None
    assert len(word.quote.replace("…", "").split()) <= 15


def test_every_source_of_the_table_names_its_version(root: Path) -> None:
    versions = {f"cfn-lint {cfn_schemas.VERSION}", f"pulumi-aws {sdk_docs.VERSION}"}
    by_hand = {source for _, _, _, source in curated(root)}
    table = tomllib.loads(replacements.TABLE.read_text())["rows"]
    for token, properties in table.items():
        for name in properties:
            source = lookup(token, name.split(".")).source
            assert source in by_hand or any(version in source for version in versions)
            assert not re.search(r"[{}]", source)


def test_rows_by_hand_are_of_properties_there_are_and_say_why(root: Path) -> None:
    names = cache(lambda token: {".".join(prop.path) for prop in sdk_docs.properties(token)})
    known = replacements.types()
    for token, name, _, source in curated(root):
        assert token in known
        assert len(source) > 20
        assert not token.startswith("aws:") or name in names(token), f"{token} has no {name}"


def test_no_row_by_hand_repeats_the_table(root: Path) -> None:
    table = tomllib.loads(replacements.TABLE.read_text())["rows"]
    for token, name, verdict, _ in curated(root):
        assert table.get(token, {}).get(name, [None])[0] != verdict, (
            f"{token} {name}: the table says so already"
        )
