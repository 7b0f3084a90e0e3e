"""The registry, and what stands for an image before there is one."""

from tests.components.agent_estate_helpers import DIGEST, planned, registry


def test_without_protection_it_goes_with_its_images():
    made = planned(lambda options: registry(options, protect=False)).get("registry-images")
    assert made.inputs["forceDelete"] is True
    assert not made.options.protect


def test_inspector_is_a_setting_because_it_is_the_accounts():
    assert planned(lambda options: registry(options, scan="basic")).by_name.get("registry-scanning") is None


def test_an_image_is_its_digest_and_before_it_is_built_a_digest_of_nothing():
    found: dict[str, object] = {}

    def declare(options: object) -> None:
        made = registry(options)  # type: ignore[arg-type]
        made.image(DIGEST).apply(lambda image: found.update(built=image))
        made.image(None).apply(lambda image: found.update(unbuilt=image))

    planned(declare)
    assert str(found["built"]).endswith(f"/concierge-test-agent@{DIGEST}")
    assert str(found["unbuilt"]).endswith("@sha256:" + "0" * 64)
