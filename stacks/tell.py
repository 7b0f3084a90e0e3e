"""Where alarms of a region go, from the settings. The world's region needs it as well as the estate's own."""

import pulumi
from pulumi import Input, Output

from components.notices import Notices, NoticesArgs
from stacks.settings import Settings


def notices(
    role: str, environment: str, settings: Settings, key_arn: Input[str], opts: pulumi.ResourceOptions
) -> Notices:
    """The topics of one region, with the subscriptions that the settings name."""
    pager = settings.notices.pager_url
    return Notices(
        f"{role}-notices",
        NoticesArgs(
            environment=environment,
            key_arn=key_arn,
            pager_url=Output.secret(pager.get_secret_value()) if pager else None,
            ticket_email=settings.notices.ticket_email,
        ),
        opts,
    )
