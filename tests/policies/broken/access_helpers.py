"""One thing broken at a time, for the rules of `policies/rules/access.py`."""

from tests.policies.breaking_helpers import (
    DOCUMENTS,
    GRANTS,
    ROLE,
    Case,
    adding,
    allowing,
    both,
    case,
    dropping,
    setting,
)

CASES: list[Case] = [
    # Access.
    case(
        "every action",
        "iam-exact-actions iam-pass-role",
        allowing(GRANTS, Action="*", Resource="arn:aws:s3:::a"),
    ),
    case(
        "every action on tables",
        "iam-exact-actions",
        allowing(GRANTS, Action="dynamodb:*", Resource="arn:aws:dynamodb:us-east-1:123456789012:table/a"),
    ),
    case(
        "every way to read secrets",
        "iam-exact-actions",
        allowing(
            GRANTS,
            Action="secretsmanager:Get*",
            Resource="arn:aws:secretsmanager:us-east-1:123456789012:secret:a",
        ),
    ),
    case(
        "everything but one",
        "iam-exact-actions",
        allowing(GRANTS, NotAction="iam:*", Resource="arn:aws:s3:::a"),
    ),
    case("every table", "iam-exact-data", allowing(GRANTS, Action="dynamodb:GetItem", Resource="*")),
    case(
        "every model",
        "iam-exact-data call-guarded",
        allowing(GRANTS, Action="bedrock:InvokeModel", Resource=["*"]),
    ),
    case("any role to any service", "iam-pass-role", allowing(GRANTS, Action="iam:PassRole", Resource="*")),
    case(
        "one role to any service",
        "iam-pass-role",
        allowing(GRANTS, Action="iam:PassRole", Resource="arn:aws:iam::123456789012:role/one"),
    ),
    case(
        "a role for a service of anybody",
        "iam-trust-tied",
        lambda draft: draft.rewrite(
            ROLE, "assumeRolePolicy", lambda said: said["Statement"][0].pop("Condition") and None
        ),
    ),
    case(
        "a role for anybody",
        "iam-trust-tied",
        allowing(ROLE, "assumeRolePolicy", Principal="*", Action="sts:AssumeRole"),
    ),
    case(
        "a bucket for everybody",
        "policy-tied",
        allowing(f"s3.BucketPolicy {DOCUMENTS}-policy", Principal="*", Action="s3:GetObject", Resource="*"),
    ),
    case(
        "a queue for a service of anybody",
        "policy-tied",
        allowing(
            "sqs.QueuePolicy primary-ingest-queue-policy",
            Principal={"Service": "events.amazonaws.com"},
            Action="sqs:SendMessage",
            Resource="*",
        ),
    ),
    case(
        "a key for everybody",
        "policy-tied",
        allowing("kms.Key primary-keys-agent", Principal={"AWS": "*"}, Action="kms:Decrypt", Resource="*"),
    ),
    case(
        "an endpoint for every account",
        "endpoint-tied",
        dropping("ec2.VpcEndpoint primary-endpoints-bedrock-runtime", "policy"),
    ),
    case(
        "a function for a service of anybody",
        "invoke-tied",
        both(
            *(
                dropping("lambda.Permission primary-websocket-may-authorise", key)
                for key in ("sourceArn", "sourceAccount")
            )
        ),
    ),
    case("a user", "iam-no-keys", adding("aws:iam/user:User", {"name": "robot"}, ROLE)),
    case("a long-lived key", "iam-no-keys", adding("aws:iam/accessKey:AccessKey", {"user": "robot"}, ROLE)),
    case(
        "an administrator",
        "iam-no-administrator",
        setting(ROLE, "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ),
    case(
        "a role for another account",
        "iam-trust-tied",
        allowing(
            ROLE,
            "assumeRolePolicy",
            Principal={"AWS": "arn:aws:iam::210987654321:root"},
            Action="sts:AssumeRole",
        ),
    ),
]
