"""What one asks of the Bedrock stand-in itself."""

import http.client
from urllib.parse import urlsplit

from contract.errors import InconclusiveError
from rehearsal.bedrock.account import Account

_PATH = "/_concierge/account"


class BedrockError(InconclusiveError):
    """The stand-in refused an account, or did not answer."""


def give_account(url: str, account: Account) -> None:
    """Replaces what the account holds: profiles, units, guardrails, quotas."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
    try:
        connection.request("PUT", _PATH, account.model_dump_json())
        response = connection.getresponse()
        said = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise BedrockError(f"{url} does not answer: {str(error) or type(error).__name__}") from None
    finally:
        connection.close()
    if response.status != 204:
        raise BedrockError(f"{url} refused the account: {said[:200]}")
