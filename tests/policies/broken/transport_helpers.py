"""One thing broken at a time, for the rules of `policies/rules/transport.py`."""

from tests.policies.breaking_helpers import (
    CACHE,
    DOCUMENTS,
    EDGE,
    SEARCH,
    Case,
    case,
    dropping,
    removing,
    replacing,
    setting,
)

CASES: list[Case] = [
    # Transport.
    case(
        "a queue that takes plain HTTP",
        "message-tls-only",
        removing("sqs.QueuePolicy primary-ingest-queue-policy"),
    ),
    case("a bucket without its policy", "bucket-tls-only", removing(f"s3.BucketPolicy {DOCUMENTS}-policy")),
    case(
        "a bucket that denies plain HTTP to one role only",
        "bucket-tls-only",
        replacing(f"s3.BucketPolicy {DOCUMENTS}-policy", "policy", r'"aws:SecureTransport"', '"aws:Nothing"'),
    ),
    case(
        "old TLS at the balancer",
        "listener-tls",
        setting("lb.Listener primary-balancers-listener", "sslPolicy", "ELBSecurityPolicy-2016-08"),
    ),
    case(
        "HTTP at the balancer",
        "listener-tls",
        setting("lb.Listener primary-balancers-listener", "protocol", "HTTP"),
    ),
    case(
        "old TLS for viewers", "edge-tls", setting(EDGE, "viewerCertificate.minimumProtocolVersion", "TLSv1")
    ),
    case(
        "HTTP for viewers",
        "edge-tls",
        setting(EDGE, "defaultCacheBehavior.viewerProtocolPolicy", "allow-all"),
    ),
    case(
        "HTTP to an origin",
        "edge-tls",
        setting(EDGE, "origins.1.customOriginConfig.originProtocolPolicy", "http-only"),
    ),
    case(
        "old TLS at a gateway's name",
        "name-tls",
        setting("apigateway.DomainName primary-gateway-names-ws-name", "securityPolicy", "TLS_1_0"),
    ),
    case("HTTP to search", "search-tls", setting(SEARCH, "domainEndpointOptions.enforceHttps", False)),
    case("search nodes in the clear", "search-tls", setting(SEARCH, "nodeToNodeEncryption.enabled", False)),
    case("the cache in the clear", "cache-tls", setting(CACHE, "transitEncryptionEnabled", False)),
    case("the cache with TLS as a wish", "cache-tls", setting(CACHE, "transitEncryptionMode", "preferred")),
    case("the cache for everybody", "cache-tls", dropping(CACHE, "userGroupIds")),
    case(
        "a cache user without a password",
        "cache-user-asked",
        setting("elasticache.User primary-cache-nobody", "accessString", "on ~* &* +@all"),
    ),
]
