"""Nothing travels in the clear."""

from policies.rule import Faults, among, each
from policies.rules.documents import refuses_plain_http
from policies.view import Node, View, dig, listed

# Security policies that refuse TLS 1.0 and 1.1.
_BALANCER = ("ELBSecurityPolicy-TLS13-1-2", "ELBSecurityPolicy-TLS13-1-3", "ELBSecurityPolicy-FS-1-2")
_VIEWER = ("TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025")
_SEARCH = ("Policy-Min-TLS-1-2-2019-07", "Policy-Min-TLS-1-2-PFS-2023-10")
_OLD = {"SSLv3", "TLSv1", "TLSv1.1"}


@among(
    "bucket-tls-only",
    "DATA-4",
    "s3.Bucket",
    why="S3 answers plain HTTP too, and signatures do not hide what is read.",
    fix="declare it with components/private_bucket.py, whose policy denies aws:SecureTransport false",
)
def bucket_tls_only(bucket: Node, view: View) -> Faults:
    """The policy of every bucket refuses requests without TLS."""
    policies = view.naming(bucket, "bucket", "s3.BucketPolicy")
    if not any(refuses_plain_http(policy.get("policy"), "s3:*") for policy in policies):
        yield "no bucket policy refuses requests without TLS"


@among(
    "message-tls-only",
    "DATA-4",
    "sqs.Queue",
    "sns.Topic",
    why="SQS and SNS answer plain HTTP too.",
    fix="add a policy that denies every action where aws:SecureTransport is false",
    protected="advisory",
    elsewhere="advisory",
)
def message_tls_only(node: Node, view: View) -> Faults:
    """The policy of every queue and topic refuses requests without TLS."""
    queue = node.short == "sqs.Queue"
    policies = view.naming(node, *(("queueUrl", "sqs.QueuePolicy") if queue else ("arn", "sns.TopicPolicy")))
    if not any(refuses_plain_http(p.get("policy"), "sqs:*" if queue else "sns:*") for p in policies):
        yield "no policy refuses requests without TLS"


@among(
    "listener-tls",
    "NET-7",
    "lb.Listener",
    why="Behind the edge the same conversations travel on; inside the network is no reason to show them.",
    fix="set domain.name so that the balancer has a certificate, with a TLS 1.2 or 1.3 security policy",
    elsewhere="advisory",
)
def listener_tls(listener: Node, view: View) -> Faults:
    """An application balancer speaks TLS 1.2 or later. A network balancer may pass TCP on untouched."""
    protocol = listener.get("protocol")
    if protocol == "HTTP" and not _only_redirects(listener):
        yield f"port {listener.get('port') or 80:g} takes plain HTTP"
    if protocol in {"HTTPS", "TLS"} and not str(listener.get("sslPolicy")).startswith(_BALANCER):
        yield f"the security policy {listener.get('sslPolicy')} lets old TLS in"
    balancers = view.named_by(listener, "loadBalancerArn", "lb.LoadBalancer")
    public = any(b.get("internal") is not True for b in balancers)
    if protocol in {"TCP", "UDP", "TCP_UDP"} and public:
        yield f"a public balancer passes {protocol} on without TLS"


def _only_redirects(listener: Node) -> bool:
    actions = listener.list("defaultActions")
    return bool(actions) and all(dig(action, "redirect.protocol") == "HTTPS" for action in actions)


@each(
    "edge-tls",
    "NET-7",
    "cloudfront.Distribution",
    why="People's devices connect here: a downgrade to old TLS or HTTP would show what they write.",
    fix="set domain.name (a certificate allows TLSv1.2_2021), https-only behaviours and https-only origins",
    elsewhere="advisory",
)
def edge_tls(site: Node) -> Faults:
    """CloudFront takes TLS 1.2 or later only, and speaks the same to its origins."""
    minimum = site.get("viewerCertificate.minimumProtocolVersion")
    if minimum not in _VIEWER:
        yield f"viewers may use {minimum or 'TLSv1'}"
    for behaviour in [site.get("defaultCacheBehavior"), *site.list("orderedCacheBehaviors")]:
        if dig(behaviour, "viewerProtocolPolicy") not in {"https-only", "redirect-to-https"}:
            yield f"{dig(behaviour, 'pathPattern') or 'the default behaviour'} answers plain HTTP"
    for origin in site.list("origins"):
        custom = dig(origin, "customOriginConfig")
        if custom is None:
            continue
        if dig(custom, "originProtocolPolicy") != "https-only":
            yield f"origin {dig(origin, 'originId')} is asked over plain HTTP"
        if _OLD & set(listed(dig(custom, "originSslProtocols"))):
            yield f"origin {dig(origin, 'originId')} may speak old TLS"


@each(
    "name-tls",
    "NET-7",
    "apigateway.DomainName",
    "apigatewayv2.DomainName",
    why="A custom name with TLS 1.0 undoes what the edge refuses.",
    fix='set security_policy="TLS_1_2"',
)
def name_tls(domain: Node) -> Faults:
    """A gateway's own name takes TLS 1.2 or later only."""
    policy = domain.get("securityPolicy") or domain.get("domainNameConfiguration.securityPolicy")
    if policy not in {"TLS_1_2", "TLS_1_3"} and not str(policy).startswith("SecurityPolicy_TLS13"):
        yield f"the name takes {policy or 'TLS_1_0'}"


@each(
    "search-tls",
    "VEC-1",
    "opensearch.Domain",
    why="Documents and vectors cross zones between nodes, and the network to the agent.",
    fix="enforce_https, a Policy-Min-TLS-1-2 policy, node_to_node_encryption (components/search.py)",
)
def search_tls(domain: Node) -> Faults:
    """The search domain takes HTTPS with TLS 1.2 only, and encrypts between its nodes."""
    if domain.get("domainEndpointOptions.enforceHttps") is not True:
        yield "plain HTTP is answered"
    if domain.get("domainEndpointOptions.tlsSecurityPolicy") not in _SEARCH:
        yield f"TLS policy {domain.get('domainEndpointOptions.tlsSecurityPolicy')} lets old TLS in"
    if domain.get("nodeToNodeEncryption.enabled") is not True:
        yield "nodes talk to each other in the clear"


@each(
    "cache-tls",
    "DATA-3",
    "elasticache.ReplicationGroup",
    why="The cache holds sessions and answers; without a user anything in the network may read and empty it.",
    fix='transit_encryption_enabled, transit_encryption_mode="required", at-rest encryption and a user group',
)
def cache_tls(group: Node) -> Faults:
    """The cache is encrypted in transit and at rest, and asks for a user."""
    if group.get("transitEncryptionEnabled") is not True:
        yield "connections are not encrypted"
    if group.get("transitEncryptionMode") == "preferred":
        yield "connections without TLS are still taken"
    if group.get("atRestEncryptionEnabled") is not True:
        yield "data at rest is not encrypted"
    if not group.raw("userGroupIds") and not group.raw("authToken"):
        yield "nobody is asked who they are"


@each(
    "cache-user-asked",
    "DATA-3",
    "elasticache.User",
    why="Every cache has a user `default`: left on without a password, it is the door beside the locked one.",
    fix='IAM authentication, or access_string="off -@all" (components/cache.py)',
)
def cache_user_asked(user: Node) -> Faults:
    """A user of the cache who is switched on has to prove who they are."""
    free = user.get("authenticationMode.type") == "no-password-required" or user.get("noPasswordRequired")
    if free and "on" in str(user.get("accessString")).split():
        yield f"{user.get('userName')} gets in without a password"


RULES = (
    bucket_tls_only,
    message_tls_only,
    listener_tls,
    edge_tls,
    name_tls,
    search_tls,
    cache_tls,
    cache_user_asked,
)
