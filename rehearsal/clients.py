"""AWS clients for the stand-ins: whatever the person who starts a rehearsal has set for AWS does not matter.

No profile, no shared files, no proxy and no setting of the environment: they would lead away from this
machine, or stop a rehearsal that needs none of them.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES

# Nobody's: the stand-ins take any, and the programs of a rehearsal inherit none.
NOBODY = "rehearsal"
NOBODYS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), NOBODY)
_FILES = {"config_file", "credentials_file"}
# A stand-in on loopback answers at once or is broken; but a busy machine may keep it waiting.
_CONFIG = Config(proxies={}, connect_timeout=10, read_timeout=30, retries={"total_max_attempts": 1})


def session(region: str) -> botocore.session.Session:
    """Its clients know nothing but this region and what they are told. boto3's sessions can be made of it."""
    made = botocore.session.Session(session_vars={name: _deaf(name) for name in VARIABLES})
    made.set_credentials(NOBODY, NOBODY)
    made.set_config_variable("region", region)
    made.set_default_client_config(_CONFIG)
    return made


def boto_session(region: str) -> Any:
    """The same, as boto3 has it."""
    import boto3

    return boto3.Session(botocore_session=session(region))


def _deaf(name: str) -> tuple[Any, ...]:
    """botocore's (name in a file, name in the environment, default, conversion), without the environment."""
    in_file, _, default, conversion = VARIABLES[name]
    return in_file, None, os.devnull if name in _FILES else default, conversion


@contextmanager
def told(variables: Mapping[str, str]) -> Iterator[None]:
    """For this block they stand in the environment: nothing else tells AWS's clients where an endpoint is."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
