"""Experiments for other people's tools. What a tool cannot say is refused, never left out in silence."""

from collections.abc import Callable, Mapping

from chaos.exports import fis, toolkit
from contract.faults import Experiment

FORMATS: Mapping[str, Callable[[Experiment], str]] = {"chaostoolkit": toolkit.export, "fis": fis.export}
