"""Sessions of the SDK that read AWS's models once between them: nothing else takes them as long."""

from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.loaders import create_loader

_MODELS = create_loader()


def session_of(region: str) -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("data_loader", _MODELS)
    return boto3.Session("testing", "testing", region_name=region, botocore_session=core)


@cache
def client_of(service: str, region: str) -> Any:
    """Everybody's: with a handler of one's own, make another."""
    make: Any = session_of(region).client
    return make(service, region_name=region)
