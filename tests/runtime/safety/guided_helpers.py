"""Atheris' program: texts that reach code nobody has reached yet, held against every promise.

    .venvs/fuzz/bin/python tests/runtime/safety/guided_helpers.py -max_total_time=60 CORPUS

A program of its own, in an environment of its own: the fuzzer rewrites what is imported under it.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
with atheris.instrument_imports(include=["runtime.safety"]):
    from tests.runtime.safety.promises_helpers import input_holds, output_holds

LONGEST = 400


def one(data: bytes) -> None:
    text = data.decode("utf-8", errors="ignore")[:LONGEST]
    input_holds(text)
    output_holds(text)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
