"""What is read of each format: text by blocks, where each stands, and what a document says of itself."""

import pytest

from runtime.ingest import formats
from runtime.ingest.reading import Block, ReadingError
from tests.runtime.ingest.files_helpers import docx, paragraph, pdf

BROKEN_PAGE = '<w:br w:type="page"/>'
RENDERED = "<w:lastRenderedPageBreak/>"


def only(name: str, content: bytes | str):
    (reading,) = formats.read(name, content.encode() if isinstance(content, str) else content)
    return reading


def places(reading) -> list[tuple[str, str, int | None]]:
    return [(block.section, block.text, block.page) for block in reading.blocks if not block.heading]


# -- Markdown ------------------------------------------------------------------------------------------------


def test_markdown_by_its_headings_and_with_what_it_says_of_itself():
    reading = only(
        "a.md",
        "---\ngenre: faq\nlanguage: en-US\nowner: nobody\n---\n# Returns\n\nWithin 30 days.\n\n## Books\n\n"
        "- unread\n- whole\n\n### Old ones\n\n```\n# no heading\n```\n\n## Manga\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
    )
    assert reading.labels == {"title": "Returns", "genre": "faq", "language": "en-US"}
    assert places(reading) == [
        ("", "Within 30 days.", None),
        ("Books", "- unread\n- whole", None),
        ("Books / Old ones", "```\n# no heading\n```", None),
        ("Manga", "| a | b |\n|---|---|\n| 1 | 2 |", None),
    ]


def test_markdown_html_is_read_as_html():
    assert places(only("a.md", "Hello\n\n<div hidden>no</div><p>yes &amp; so</p>\n"))[1] == (
        "",
        "yes & so",
        None,
    )


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("# A\n\na\n\n# B\n\nb\n", ["A", "B"]),
        ("a\n\n## B\n\nb\n", ["", "B"]),
        ("# A\n\na\n\n## B\n\nb\n\n## C\n\nc\n", ["", "B", "C"]),
        ("Title\n=====\n\na\n\n#### B\n\nb\n", ["", "B"]),
    ],
)
def test_a_first_heading_is_the_title_where_it_alone_is_at_the_top(text, sections):
    assert [section for section, _, _ in places(only("a.md", text))] == sections


def test_a_rule_at_the_start_is_no_front_matter():
    assert only("a.md", "---\n\nText: of mine\n").text == "Text: of mine"


# -- HTML ----------------------------------------------------------------------------------------------------


def test_html_as_a_person_reads_it():
    reading = only(
        "a.html",
        "<!doctype html><html lang=ja><head><title>A &amp; B</title><meta name=genre content=policy>"
        "<link rel=canonical href=https://shop.example/a><style>p{}</style></head><body><nav><p>Menu</nav>"
        "<h1>Top</h1><p>One<br>two <b>bold</b>.<div>Three</div><script>evil()</script><h2>Deep</h2>"
        "<table><tr><th>a<th>b<tr><td>1<td>2</table><pre>x\n  y</pre></body>",
    )
    assert reading.labels == {
        "title": "A & B",
        "language": "ja",
        "genre": "policy",
        "source": "https://shop.example/a",
    }
    assert places(reading) == [
        ("", "One two bold.", None),
        ("", "Three", None),
        ("Deep", "a | b", None),
        ("Deep", "1 | 2", None),
        ("Deep", "x\n  y", None),
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>Obey</p>",
        "<p style='display: none'>Obey</p>",
        "<p style='visibility:hidden'>Obey</p>",
        "<p style='font-size:0px'>Obey</p>",
        "<div aria-hidden=true><p>Obey</p></div>",
        "<template>Obey</template>",
        "<!-- Obey -->",
    ],
)
def test_what_a_person_cannot_see_no_model_sees(hidden):
    assert (
        only("a.html", f"<p>Before</p>{hidden}<p style='font-size:0.9em'>After</p>").text == "Before\n\nAfter"
    )


def test_html_says_its_own_encoding():
    page = "<meta charset=shift_jis><p>返品</p>".encode("shift_jis")
    assert only("a.htm", page).text == "返品"


# -- PDF -----------------------------------------------------------------------------------------------------


def test_pdf_by_page_and_bookmark():
    content = pdf("Hello", "Charge it", "Wipe it", title="Manual", marks=(("Start", 1), ("Care", 2)))
    reading = only("a.pdf", content)
    assert reading.labels == {"title": "Manual"}
    assert places(reading) == [("", "Hello", 1), ("Start", "Charge it", 2), ("Care", "Wipe it", 3)]


def test_headers_and_page_numbers_are_no_text():
    pages = [
        f"ACME manual\n{word}\nPage {n} of 4" for n, word in enumerate(("one", "two", "three", "four"), 1)
    ]
    assert [text for _, text, _ in places(only("a.pdf", pdf(*pages)))] == ["one", "two", "three", "four"]


# -- DOCX ----------------------------------------------------------------------------------------------------


def test_docx_by_heading_and_page():
    cells = "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in "ab")
    table = f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
    content = docx(
        paragraph("The manual", "T"),
        paragraph("Start", "H1"),
        paragraph("Charge it."),
        paragraph("", before=BROKEN_PAGE),
        paragraph("Deeper", "H2"),
        table,
        title="Manual",
        language="ja-JP",
    )
    reading = only("a.docx", content)
    assert reading.labels == {"title": "Manual", "language": "ja-JP"}
    assert places(reading) == [("Start", "Charge it.", 1), ("Start / Deeper", "a | b", 2)]


def test_where_word_has_laid_out_the_pages_its_word_counts():
    content = docx(
        paragraph("one"), paragraph("two", before=BROKEN_PAGE + RENDERED), paragraph("three", before=RENDERED)
    )
    assert [page for _, _, page in places(only("a.docx", content))] == [1, 2, 3]


# -- JSON ----------------------------------------------------------------------------------------------------


def test_json_of_one_and_of_several():
    one = only(
        "a.json", '{"title": "T", "text": "a\\n\\nb", "sections": [{"title": "S", "text": "c", "page": 3}]}'
    )
    assert places(one) == [("", "a", None), ("", "b", None), ("S", "c", 3)]
    several = formats.read("a.jsonl", b'{"id": "x", "text": "1"}\n\n{"id": "y", "text": "2"}\n')
    assert [(reading.key, reading.text) for reading in several] == [("x", "1"), ("y", "2")]


# -- What cannot be read -------------------------------------------------------------------------------------

DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaa">]><w:document/>'


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", b"x", "format .txt is none of"),
        ("a", b"x", "format without an ending"),
        ("a.md", b"  \n", "no text"),
        ("a.md", b"\xff\xfe\x00", "is no utf-16"),
        ("a.md", b"ab\xff", "is no utf-8 at byte 2"),
        ("a.md", b"a\0b", "no text"),
        ("a.html", b"<meta charset=klingon><p>x", "'klingon' is unknown"),
        ("a.pdf", b"nonsense", "is no PDF"),
        ("a.pdf", b"", "is no PDF"),
        ("a.pdf", pdf("", ""), "OCR"),
        ("a.pdf", pdf("Hello")[:300], "is no PDF"),
        ("a.docx", b"PK\x03\x04", "is no DOCX"),
        ("a.docx", docx("<w:p>"), "is broken"),
        ("a.docx", docx(**{"word/document.xml": DOCTYPE}), "declares a document type"),
        ("a.json", b"{", "is no JSON"),
        ("a.json", b"[" * 200_000, "nested too deep"),
        ("a.json", b"3", "document: "),
        ("a.json", b'{"text": "x", "titel": "y"}', "titel"),
        ("a.json", b'[{"text": "x"}]', "document 1: id: is missing"),
        ("a.jsonl", b'{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}', "two documents have the id 'a'"),
        ("a.jsonl", b'{"id": "a", "text": "x"}\nno', "line 2: is no JSON"),
    ],
)
def test_it_says_in_one_line_why(name, content, why):
    with pytest.raises(ReadingError) as refused:
        formats.read(name, content)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_block_knows_nothing_of_its_format():
    assert only("a.md", "x").blocks == (Block("x"),)
