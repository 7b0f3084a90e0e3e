"""Pages made from the code say what the code says."""

from pathlib import Path

import pytest

from tools import docs


@pytest.mark.parametrize("name", docs.PAGES)
def test_the_page_is_as_the_code_would_write_it(name: str, root: Path, shared_plans: None):
    assert (root / name).read_text(encoding="utf-8") == docs.PAGES[name](), "run `make docs`"


def test_a_secret_setting_is_marked():
    rows = [line for line in docs.settings_page().splitlines() if "pager_url" in line]

    assert len(rows) == 1
    assert rows[0].endswith("(secret) |")
