"""The printed archive is PDF/A, with its fonts, and says on every page who fetched it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from archive_desk import ALL, add, file, item, make, student, upload
from pypdf import PdfReader
from pypdf.generic import DictionaryObject
from registry_world import REGISTRAR, World
from shared_contracts.archive import SECTIONS, ArchiveMade

pytestmark = pytest.mark.integration


async def printed(world: World, one: str) -> PdfReader:
    made = await make(world, one, "pdf")
    assert isinstance(made, ArchiveMade), made
    assert made.file.media_type == "application/pdf"
    return PdfReader(io.BytesIO(await world.deps.files.read(made.file.id)))


def fonts(page: Any) -> list[DictionaryObject]:
    """The descriptors of the fonts of a page: of a composite font those of its descendants."""
    found = []
    for reference in (page["/Resources"].get("/Font") or {}).values():
        font = reference.get_object()
        inner = [one.get_object() for one in font["/DescendantFonts"]] if "/DescendantFonts" in font else [font]
        found += [one["/FontDescriptor"].get_object() for one in inner]
    return found


@pytest.mark.clause("14", "45.1")
async def test_the_printed_archive_is_pdf_a_and_whole(world: World) -> None:
    one, kept = await student(world), await upload(world)
    await file(world, one, kept.id)
    await add(world, *(item(one, entry) for entry in ALL))
    pdf = await printed(world, one)
    root: Any = pdf.trailer["/Root"]
    metadata = root["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in metadata
    intent = root["/OutputIntents"][0].get_object()
    assert (intent["/S"], "/DestOutputProfile" in intent) == ("/GTS_PDFA1", True)
    assert not pdf.is_encrypted
    assert "/JavaScript" not in str(root)
    for page in pdf.pages:
        descriptors = fonts(page)
        assert descriptors
        assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(one) for one in descriptors)
    text = "\n".join(page.extract_text() for page in pdf.pages)
    squeezed = "".join(text.split())
    for title in SECTIONS.values():
        assert title in squeezed
    for said in (
        "省级优秀少先队员",
        "多次无故旷课",
        "麻腮风疫苗第2剂",
        "500.00元",
        "语文",
        "户籍证明（户口簿）",
        "72.5分",
    ):
        assert said in squeezed, said
    assert "23**************15" in text
    for page in pdf.pages:
        assert REGISTRAR.account in page.extract_text()
    assert pdf.metadata is not None
    assert pdf.metadata.title == "学生学籍档案"
    assert REGISTRAR.account in str(pdf.metadata.get("/Keywords"))


@pytest.mark.clause("14")
async def test_an_archive_without_entries_says_so(world: World) -> None:
    pdf = await printed(world, await student(world, name="王𪥥"))
    text = "".join("".join(page.extract_text().split()) for page in pdf.pages)
    assert text.count("（无）") == 5
