"""Files as other programs write them, made by hand: a PDF, a DOCX, and a place to read them from."""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from runtime.ingest.origins import Content, GoneError, Item

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
STYLES = f"""<w:styles {W}><w:style w:styleId="T"><w:name w:val="Title"/></w:style>
<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="H2"><w:name w:val="heading 2"/></w:style></w:styles>"""
CORE = """<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title><dc:language>{language}</dc:language>
</cp:coreProperties>"""


def pdf(*pages: str, title: str = "", marks: tuple[tuple[str, int], ...] = ()) -> bytes:
    """Each page's lines in Helvetica; `marks`: bookmark -> page."""
    objects = ["<< /Type /Catalog /Pages 2 0 R /Outlines 5 0 R >>", "", f"<< /Title ({title}) >>"]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    objects.append("")
    kids = []
    for page in pages:
        shown = " ".join(f"({line}) Tj 0 -14 Td" for line in page.split("\n"))
        stream = f"BT /F1 12 Tf 72 720 Td {shown} ET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        kids.append(len(objects) + 1)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 4 0 R >> >> >>"
        )
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>"
    first = len(objects) + 1
    last = first + len(marks) - 1
    ends = f"/First {first} 0 R /Last {last} 0 R /Count {len(marks)}" if marks else ""
    objects[4] = f"<< /Type /Outlines {ends} >>"
    for number, (name, to) in enumerate(marks):
        following = f"/Next {first + number + 1} 0 R" if number + 1 < len(marks) else ""
        objects.append(f"<< /Title ({name}) /Parent 5 0 R {following} /Dest [{kids[to]} 0 R /Fit] >>")
    return _numbered(objects)


def _numbered(objects: list[str]) -> bytes:
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, said in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{said}\nendobj\n".encode("latin-1"))
    begins = out.tell()
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}".encode())
    out.write(
        f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{begins}\n%%EOF".encode()
    )
    return out.getvalue()


def paragraph(text: str, style: str = "", before: str = "") -> str:
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{styled}<w:r>{before}<w:t>{escape(text)}</w:t></w:r></w:p>"


def docx(*inside: str, title: str = "", language: str = "", **parts: str) -> bytes:
    """`inside`: what stands in the body, as XML."""
    out = io.BytesIO()
    body = f"<w:document {W}><w:body>{''.join(inside)}</w:body></w:document>"
    files = {"word/document.xml": body, "word/styles.xml": STYLES}
    files |= {"docProps/core.xml": CORE.format(title=title, language=language), **parts}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, said in files.items():
            file.writestr(name, said)
    return out.getvalue()


@dataclass
class Place:
    """Files in memory. `reads`: what was read, in order."""

    files: dict[str, bytes] = field(default_factory=dict)
    scope: str = "help/"
    left_out: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    async def items(self) -> AsyncIterator[Item]:
        for name, content in sorted(self.files.items()):
            yield Item(name, len(content))

    async def read(self, address: str) -> Content:
        self.reads.append(address)
        return Content(self._there(address), str(hash(self._there(address))))

    async def version(self, address: str) -> str:
        return str(hash(self._there(address)))

    def _there(self, address: str) -> bytes:
        if address not in self.files:
            raise GoneError("is not there any more")
        return self.files[address]
