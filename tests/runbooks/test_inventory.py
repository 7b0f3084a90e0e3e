"""Names come from the stack's document; with a bad network from the copy on this machine."""

from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from contract.errors import InconclusiveError
from runbooks.engine import inventory
from tests.runbooks.estate_helpers import INVENTORY, Estate


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copies" / "dev.json"


def publish(estate: Estate, text: str) -> None:
    s3 = estate.session.client("s3")
    s3.create_bucket(Bucket="names")
    s3.put_object(Bucket="names", Key="inventory.json", Body=text.encode())
    estate.ssm.put_parameter(
        Name="/concierge/dev/inventory", Value="s3://names/inventory.json", Type="String"
    )


def test_the_stacks_document_is_read_and_copied(estate: Estate, copy: Path) -> None:
    publish(estate, INVENTORY.model_dump_json())
    assert inventory.load(estate.world().aws, "dev", copy) == (INVENTORY, None)
    assert copy.read_text(encoding="utf-8") == INVENTORY.model_dump_json()


def test_the_copy_serves_when_aws_cannot_be_reached(estate: Estate, copy: Path) -> None:
    publish(estate, INVENTORY.model_dump_json())
    aws = estate.world().aws
    inventory.load(aws, "dev", copy)
    estate.session.events.register("before-call.s3.GetObject", _cut)
    found, warning = inventory.load(estate.world().aws, "dev", copy)
    assert found == INVENTORY
    assert warning is not None
    assert warning.startswith(f"names from {copy}: s3 get_object in us-east-1")


def test_without_a_copy_nobody_guesses(estate: Estate, copy: Path) -> None:
    with pytest.raises(InconclusiveError, match=r"ParameterNotFound.*there is no copy at"):
        inventory.load(estate.world().aws, "dev", copy)


def test_a_copy_that_cannot_be_written_is_told(estate: Estate, copy: Path) -> None:
    publish(estate, INVENTORY.model_dump_json())
    copy.mkdir(parents=True)  # a folder where a file should be
    with pytest.raises(InconclusiveError, match=rf"^copy {copy} cannot be written: Is a directory"):
        inventory.load(estate.world().aws, "dev", copy)


def test_a_document_of_another_shape_is_told(estate: Estate, copy: Path) -> None:
    publish(estate, '{"environment": "dev"}')
    with pytest.raises(InconclusiveError, match=r"s3://names/inventory.json: regions: Field required"):
        inventory.load(estate.world().aws, "dev", copy)


def _cut(**_: object) -> None:
    raise EndpointConnectionError(endpoint_url="https://s3.amazonaws.com")
