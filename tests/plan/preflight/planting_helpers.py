"""Things that are wrong with an account, one function each. The name of a check is what must find it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.plan.preflight.account_helpers import (
    ACCOUNT,
    MAY_CALL,
    PRIMARY,
    STANDBY,
    Account,
    push,
    tokens,
    use_image,
    use_zone,
)

DOMAIN = "concierge.example.com"


def _other_account(account: Account) -> None:
    account.wishes = replace(account.wishes, account="999999999999")


def _budget_too_small(account: Account) -> None:
    account.wishes = replace(account.wishes, budget_usd=100)


def _vpcs_used_up(account: Account) -> None:
    account.granted[STANDBY, "L-F678F1CE"] = 5
    for number in range(4):  # and the default one
        account.client("ec2", STANDBY).create_vpc(CidrBlock=f"10.{100 + number}.0.0/16")


def _few_vcpus(account: Account) -> None:
    """The service may run three tasks of two cores, and twice that while a rollout lasts."""
    account.change("primary-agent-chat-scaling-bounds", maxCapacity=3)
    account.granted[PRIMARY, "L-3032A538"] = 11
    account.granted[STANDBY, "L-3032A538"] = 11


def _standby_forgotten(account: Account) -> None:
    account.granted[STANDBY, "L-8A5B8E43"] = 10_000


def _certificate_ends(account: Account) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.now(tz=UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=300))
        .not_valid_after(now + timedelta(days=20))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    account.client("acm", STANDBY).import_certificate(
        Certificate=made.public_bytes(pem),
        PrivateKey=key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _zone_is_private(account: Account) -> None:
    zone = account.client("route53").create_hosted_zone(
        Name="example.com",
        CallerReference="2",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": PRIMARY, "VPCId": "vpc-1"},
    )
    use_zone(account, zone["HostedZone"]["Id"].rpartition("/")[2])


def _record_exists(account: Account) -> None:
    zone = account.plan.get("world-dns-public-a").inputs["zoneId"]
    record = {"Name": DOMAIN, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    changes = [{"Action": "CREATE", "ResourceRecordSet": record}]
    account.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _search_role_missing(account: Account) -> None:
    account.client("iam").delete_role(RoleName="AWSServiceRoleForAmazonOpenSearchService")
    account.declare("aws:opensearch/domain:Domain", "primary-search", {"clusterConfig": {"instanceCount": 3}})


def _role_made_twice(account: Account) -> None:
    """The stack would make a role that the account has."""
    inputs = {"awsServiceName": "elasticache.amazonaws.com"}
    account.declare("aws:iam/serviceLinkedRole:ServiceLinkedRole", "primary-cache-role", inputs)


def _zone_not_offered(account: Account) -> None:
    account.change("primary-network-private-use1-az1", availabilityZoneId="use1-az9")


def _image_in_one_region(account: Account) -> None:
    digest = push(account, PRIMARY, "2")
    for definition in account.plan.of_type("ecs.TaskDefinition"):
        text = definition.inputs["containerDefinitions"]
        old = text.split("@")[1][:71]
        account.change(definition.name, containerDefinitions=text.replace(old, digest))
    use_image(account, digest)


def _secret_being_deleted(account: Account) -> None:
    client = account.client("secretsmanager")
    client.create_secret(Name="concierge-prod-origin-1", SecretString="old")
    client.delete_secret(SecretId="concierge-prod-origin-1", RecoveryWindowInDays=7)


def _bucket_of_another(account: Account) -> None:
    account.client("s3").create_bucket(Bucket=f"concierge-prod-documents-{ACCOUNT}-{PRIMARY}")


def _table_left_behind(account: Account) -> None:
    account.client("dynamodb").create_table(
        TableName="concierge-prod-orders",
        KeySchema=[{"AttributeName": "order", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _sign_in_taken(account: Account) -> None:
    client = account.client("cognito-idp")
    pool = client.create_user_pool(PoolName="theirs")["UserPool"]["Id"]
    client.create_user_pool_domain(Domain=f"concierge-prod-{ACCOUNT}", UserPoolId=pool)


def _alias_taken(account: Account) -> None:
    origin = {"Id": "o", "DomainName": "example.org", "CustomOriginConfig": _ORIGIN}
    account.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "1",
            "Comment": "theirs",
            "Enabled": True,
            "Aliases": {"Quantity": 1, "Items": [DOMAIN]},
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        }
    )


_ORIGIN = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}


def _log_role_of_another(account: Account) -> None:
    account.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument="{}")
    account.client("apigateway", STANDBY).update_account(
        patchOperations=[
            {
                "op": "replace",
                "path": "/cloudwatchRoleArn",
                "value": f"arn:aws:iam::{ACCOUNT}:role/theirs",
            }
        ]
    )


def _recorder_exists(account: Account) -> None:
    account.client("config").put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": f"arn:aws:iam::{ACCOUNT}:role/config"}
    )
    account.declare("aws:cfg/recorder:Recorder", "primary-recorder", {"name": "concierge-prod"})


def _parameter_too_large(account: Account) -> None:
    account.change("standby-controls-parameter", insecureValue="x" * 4097)


def _model_not_agreed_to(account: Account) -> None:
    missing = {**MAY_CALL, "agreementAvailability": {"status": "NOT_AVAILABLE"}}
    account.replies["bedrock", "GetFoundationModelAvailability"] = lambda region, _: (
        200,
        missing if region == STANDBY else MAY_CALL,
    )


def _few_tokens(account: Account) -> None:
    """Ten messages a second take 1.68 million tokens a minute of Sonnet."""
    account.granted[PRIMARY, tokens("sonnet")] = account.granted[STANDBY, tokens("sonnet")] = 1_679_000


# What was planted -> the check and the region that must tell of it; no region: the account's.
PLANTED: Mapping[Callable[[Account], None], set[tuple[str, str | None]]] = {
    _other_account: {("account", None)},
    _budget_too_small: {("budget-estimate", None), ("budget-forecast", None)},
    _vpcs_used_up: {("quota-vpcs", STANDBY), ("standby-quotas", None)},
    _few_vcpus: {("quota-fargate-vcpu", PRIMARY)},
    _standby_forgotten: {("standby-quotas", None)},
    _certificate_ends: {("certificates", STANDBY)},
    _zone_is_private: {("hosted-zone", None)},
    _record_exists: {("dns-records", None)},
    _search_role_missing: {("role-opensearchservice", None)},
    _role_made_twice: {("role-elasticache", None)},
    _zone_not_offered: {("zones", PRIMARY), ("endpoint-zones", PRIMARY)},
    _image_in_one_region: {("images", STANDBY)},
    _secret_being_deleted: {("secrets", PRIMARY)},
    _bucket_of_another: {("bucket-names", PRIMARY)},
    _table_left_behind: {("table-names", PRIMARY), ("standby-tables", None)},
    _sign_in_taken: {("sign-in-domain", PRIMARY)},
    _alias_taken: {("aliases", None)},
    _log_role_of_another: {("gateway-log-role", STANDBY)},
    _recorder_exists: {("config-recorder", PRIMARY)},
    _parameter_too_large: {("parameter-sizes", STANDBY)},
    _model_not_agreed_to: {("model-access", STANDBY)},
    _few_tokens: {("model-quota", PRIMARY), ("model-quota", STANDBY)},
}
