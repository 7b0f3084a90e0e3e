"""moto in several threads: it builds URL rules at a call, and werkzeug makes each of them from a syntax tree.

CPython counts the depth of syntax trees for all threads together until 3.13 (gh-106905): two at once can end
in `SystemError: AST constructor recursion depth mismatch`, a fault no AWS has. So rules are made one by one.
"""

import threading
from typing import Any

from werkzeug.routing import Rule

_one = threading.Lock()
_compile = Rule.compile


def _compile_alone(self: Rule) -> Any:
    with _one:
        return _compile(self)


def make_one_by_one() -> None:
    """From now on; calling it again changes nothing."""
    Rule.compile = _compile_alone  # type: ignore[method-assign]
