"""URL rules made in several threads at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug.routing import Map, Rule

from rehearsal import url_rules


def test_no_two_threads_make_rules_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = set[int](), 0
    make, gathered = Rule._compile_builder, threading.Event()

    def watched(self: Rule, append_unknown: bool = True) -> Any:
        nonlocal most
        inside.add(threading.get_ident())
        most = max(most, len(inside))
        gathered.wait(0.001)  # long enough for another thread to come in, if it may
        inside.discard(threading.get_ident())
        return make(self, append_unknown)

    monkeypatch.setattr(Rule, "_compile_builder", watched)
    url_rules.make_one_by_one()
    url_rules.make_one_by_one()
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(_map, range(12)))
    assert most == 1
    assert [len(list(one.iter_rules())) for one in made] == [3] * 12


def _map(number: int) -> Map:
    return Map([Rule(f"/{number}/{word}/<name>/<path:rest>", endpoint=word) for word in ("a", "b", "c")])
