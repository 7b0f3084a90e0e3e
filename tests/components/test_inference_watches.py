"""OPS-2, OPS-3: what is watched of an endpoint, and what is shown."""

from dataclasses import replace

import pytest

from components.alarms import Watch
from contract.alarms import Alarm
from tests.components.inference_helpers import INTENT, Shop, shop

GPU = {"gpu-full", "gpu-memory-full"}


def alarms(what: str) -> dict[str, Alarm]:
    found: list[Watch] = [w for w in shop().watches if w.alarm.id.startswith(f"{what}-")]
    return {w.alarm.id.removeprefix(f"{what}-"): w.alarm for w in found}


@pytest.mark.parametrize(
    ("id_", "metric", "runbook"),
    [
        ("errors", "Invocation5XXErrors", "sagemaker-unresponsive"),
        ("no-instance", "CPUUtilization", "sagemaker-unresponsive"),
        ("silent", "Invocations", "sagemaker-unresponsive"),
        ("refused", "Invocation4XXErrors", "deploy-rollback"),
        ("slow", "ModelLatency", "sagemaker-latency"),
        ("overhead", "OverheadLatency", "sagemaker-latency"),
        ("gpu-full", "GPUUtilization", "sagemaker-latency"),
        ("gpu-memory-full", "GPUMemoryUtilization", "sagemaker-latency"),
        ("memory-full", "MemoryUtilization", "sagemaker-latency"),
        ("disk-full", "DiskUtilization", "sagemaker-latency"),
        ("cpu-full", "CPUUtilization", "sagemaker-latency"),
    ],
)
def test_each_way_to_fail_has_an_alarm_and_a_runbook(id_: str, metric: str, runbook: str):
    alarm = alarms("embed")[id_]
    assert (alarm.metric, alarm.runbook) == (metric, runbook)
    assert alarm.dimensions == {"EndpointName": "concierge-shop-embed", "VariantName": "live"}


def test_inferentia_has_no_gpu_to_watch():
    assert set(alarms("embed")) - set(alarms("intent")) == GPU


def test_what_is_down_pages_and_what_is_slow_or_full_waits():
    assert {id_ for id_, alarm in alarms("intent").items() if alarm.severity == "page"} == {
        "errors",
        "no-instance",
    }


def test_no_instance_is_no_data():
    """An instance reports once a minute while it lives; nothing else counts the healthy ones."""
    alarm = alarms("intent")["no-instance"]
    assert (alarm.statistic, alarm.missing) == ("SampleCount", "breaching")
    assert (alarm.comparison, alarm.threshold) == ("LessThanThreshold", 1)


def test_silence_is_told_only_where_calls_are_expected():
    """A standby region has none."""
    assert alarms("intent")["silent"].missing == "breaching"
    assert "silent" not in quiet()


def quiet() -> set[str]:

    standby = Shop({"intent": replace(INTENT, busy=False)}, True)
    return {watch.alarm.id.removeprefix("intent-") for watch in standby.watches}


def test_latencies_are_in_microseconds():
    assert alarms("intent")["slow"].threshold == 30_000
    assert alarms("intent")["slow"].statistic == "p99"


def test_use_is_counted_for_each_core_and_gpu():
    """Four cores are full at 400; somebody is told at 80 %."""
    assert alarms("embed")["cpu-full"].threshold == 320
    assert alarms("embed")["gpu-full"].threshold == 80


def test_every_endpoint_has_its_graphs():
    shown = {(w.title, w.metric) for w in shop().widgets}
    for what in ("intent", "embed", "rerank"):
        assert (f"{what}: latency of the model, p99", "ModelLatency") in shown
        assert (f"{what}: instances that report", "CPUUtilization") in shown
    assert ("embed: GPU memory", "GPUMemoryUtilization") in shown
    assert ("intent: GPU memory", "GPUMemoryUtilization") not in shown
