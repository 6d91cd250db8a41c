"""Nothing about a person is published: canaries in every personal field, and a search through every byte."""

from __future__ import annotations

import base64
import binascii
import html
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from matplotlib.figure import Figure
from pypdf import PdfReader

from conftest import ROOT, TinyDemo

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CANARIES = {
    "handle": "canary_zq7_handle",
    "name": "Quillon Zq7finch",
    "author id": "9000000000000077701",
    "post id": "9000000000000088802",
    "location": "Zq7quay، کاناري بندر, Lahore",
    "phrase": "velvet otters quietly juggle seventeen lanterns",
    "link": "https://zq7canary.example/deep/path?of=one",
    "e-mail": "zq7.canary@mail.example",
    "phone": "+92 300 5550177",
    "malformed line": "brokenzq7 canary in a broken line",
}
_URI = re.compile(rb"base64,([A-Za-z0-9+/=\s]+)")


def spellings(canary: str) -> set[bytes]:
    """The canary as bytes in every way it could be written; all but base64 in lower case."""
    raw = canary.encode()
    plain = {
        raw,
        canary.encode("utf-16-le"),
        canary.encode("utf-16-be"),
        quote(canary, safe="").encode(),
        quote(canary).encode(),
        quote(canary, safe="").replace("%20", "+").encode(),
        "".join(f"%{byte:02x}" for byte in raw).encode(),
        html.escape(canary).encode(),
        canary.encode("ascii", "xmlcharrefreplace"),
        "".join(f"&#{ord(c)};" for c in canary).encode(),
        "".join(f"&#x{ord(c):x};" for c in canary).encode(),
        "".join(f"\\u{ord(c):04x}" for c in canary).encode(),
        json.dumps(canary)[1:-1].encode(),
        json.dumps(canary)[1:-1].replace("/", "\\/").encode(),
    }
    return {one.lower() for one in plain}


def in_base64(canary: str) -> set[bytes]:
    """What stays the same of the canary's base64 wherever in a longer text it begins."""
    made = set()
    for text in (canary.encode(), canary.encode("utf-16-le")):
        for before in range(3):
            coded = base64.b64encode(b"\0" * before + text)
            made.add(coded[-(-before * 8 // 6) : len(coded) - 4])
    return made | {one.replace(b"+", b"-").replace(b"/", b"_") for one in made}


def opened(content: bytes) -> Iterator[bytes]:
    """The bytes, and what lies in them: data URIs, the texts of a PNG, of a PDF, in as many layers as there are."""
    yield content
    for found in _URI.finditer(content):
        try:
            yield from opened(base64.b64decode(found[1]))
        except binascii.Error:
            continue
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from (part for chunk in png_texts(content) for part in opened(chunk))
    if content.startswith(b"%PDF"):
        yield from pdf_texts(content)


def pdf_texts(content: bytes) -> Iterator[bytes]:
    """What a PDF says: on its pages, line breaks taken for spaces, about itself, and in its streams."""
    read = PdfReader(io.BytesIO(content))
    yield " ".join(page.extract_text() for page in read.pages).replace("\n", " ").encode()
    yield " ".join(str(value) for value in (read.metadata or {}).values()).encode()
    for found in re.finditer(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        with suppress(zlib.error):
            yield zlib.decompress(found[1])


def png_texts(content: bytes) -> Iterator[bytes]:
    place = 8
    while place + 8 <= len(content):
        (length,), kind = struct.unpack(">I", content[place : place + 4]), content[place + 4 : place + 8]
        body = content[place + 8 : place + 8 + length]
        place += 12 + length
        if kind in {b"zTXt", b"iTXt"}:
            yield body
            start = next((i for i in range(len(body)) if body[i : i + 1] == b"\x78"), None)
            while start is not None:
                try:
                    yield zlib.decompress(body[start:])
                    break
                except zlib.error:
                    start = next((i for i in range(start + 1, len(body)) if body[i : i + 1] == b"\x78"), None)
        elif kind not in {b"IDAT", b"IEND", b"IHDR"}:
            yield body


def hits(content: bytes) -> set[str]:
    """The canaries found in some bytes, in any spelling."""
    found = set()
    for part in opened(content):
        lower = part.lower()
        for what, canary in CANARIES.items():
            if any(one in lower for one in spellings(canary)) or any(one in part for one in in_base64(canary)):
                found.add(what)
    return found


def png_with(kind: bytes, body: bytes) -> bytes:
    made = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", b"\0" * 13), (kind, body), (b"IEND", b"")):
        made += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return made


PLANTS: dict[str, Callable[[str], bytes]] = {
    "raw": str.encode,
    "in capitals": lambda text: text.upper().encode(),
    "UTF-16, little end first": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 after 1 byte": lambda text: base64.b64encode(b"x" + text.encode() + b"y"),
    "base64 after 2 bytes": lambda text: base64.b64encode(b"xx" + text.encode() + b"y"),
    "base64 for links": lambda text: base64.urlsafe_b64encode(text.encode() + b"???"),
    "percent": lambda text: quote(text, safe="").encode(),
    "percent, every byte": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
    "a form": lambda text: quote(text, safe="").replace("%20", "+").encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "HTML, decimal": lambda text: "".join(f"&#{ord(c)};" for c in text).encode(),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(c):X};" for c in text).encode(),
    "XML": lambda text: text.encode("ascii", "xmlcharrefreplace"),
    "JSON": lambda text: json.dumps({"a": text}).encode(),
    "JSON, every letter": lambda text: "".join(f"\\u{ord(c):04X}" for c in text).encode(),
    "CSV": lambda text: f'a,b\n1,"{text}"\n'.encode(),
    "SVG": lambda text: f"<svg><text>{html.escape(text)}</text></svg>".encode(),
    "an SVG in a page": lambda text: b'<img src="data:image/svg+xml;base64,' + base64.b64encode(
        f"<svg>{text}</svg>".encode()) + b'">',
    "a PNG in an SVG in a page": lambda text: b"data:a;base64," + base64.b64encode(
        b"data:image/png;base64," + base64.b64encode(png_with(b"tEXt", b"Title\0" + text.encode()))),
    "PNG tEXt": lambda text: png_with(b"tEXt", b"Title\0" + text.encode()),
    "PNG zTXt": lambda text: png_with(b"zTXt", b"Text\0\0" + zlib.compress(text.encode())),
    "PNG iTXt": lambda text: png_with(b"iTXt", b"Text\0\1\0\0\0" + zlib.compress(text.encode())),
}  # fmt: skip


@pytest.mark.parametrize("way", PLANTS)
@pytest.mark.parametrize("what", CANARIES)
def test_the_search_finds_a_planted_canary(what: str, way: str) -> None:
    around = b"" if way.startswith(("PNG", "base64")) else b"something else "
    assert hits(around + PLANTS[way](CANARIES[what])) == {what}


@pytest.mark.parametrize("what", ["handle", "phrase", "link", "e-mail", "author id"])
def test_the_search_finds_a_canary_in_the_words_of_a_pdf_and_in_what_it_says_of_itself(what: str) -> None:
    drawn, titled = Figure(), Figure()
    drawn.text(0.1, 0.5, CANARIES[what])
    for figure, about in ((drawn, {}), (titled, {"Subject": CANARIES[what]})):
        made = io.BytesIO()
        figure.savefig(made, format="pdf", metadata=about)
        assert CANARIES[what].encode() not in made.getvalue() or about
        assert hits(made.getvalue()) == {what}


def test_the_search_finds_nothing_where_nothing_is() -> None:
    assert hits(b"peace, 9000000000000000001, demo_one, " + bytes(range(256)) * 20) == set()


def with_canaries(pages: str) -> str:
    """The response pages with canaries in every personal field, and a line that broke off."""
    tail = "{phrase} {link} {mail} {phone} @{handle}".format(
        phrase=CANARIES["phrase"], link=CANARIES["link"], mail=CANARIES["e-mail"], phone=CANARIES["phone"],
        handle=CANARIES["handle"],
    )  # fmt: skip
    lines = []
    for line in pages.splitlines():
        try:
            page = json.loads(line)
        except ValueError:
            lines.append(line)
            continue
        for tweet in page.get("data", [])[::7]:
            if tweet.get("text") and "note_tweet" not in tweet:
                tweet["text"] = f"{tweet['text']} {tail}"
                named = {"username": CANARIES["handle"], "id": CANARIES["author id"]}
                linked = {"url": "https://t.co/zq7", "expanded_url": CANARIES["link"]}
                tweet["entities"] = {"urls": [linked], "mentions": [named]}
        for user in page.get("includes", {}).get("users", [])[::3]:
            user |= {"username": CANARIES["handle"], "name": CANARIES["name"], "location": CANARIES["location"],
                     "description": tail, "url": CANARIES["link"]}  # fmt: skip
        lines.append(json.dumps(page, ensure_ascii=False))
    lines.append('{"data": [{"id": "9000000000000088803", "text": "' + CANARIES["malformed line"])
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def published(
    tiny: TinyDemo, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[bytes]]:
    """A study of posts full of canaries, run as a process: its place, and what the process said."""
    place = tmp_path_factory.mktemp("canaries")
    shutil.copytree(tiny.folder, place / "demo")
    for name in ("codebook.toml", "events.csv"):
        shutil.copy(ROOT / "corpora" / name, place / name)
    text = (ROOT / "corpora/demo/study.toml").read_text("utf-8")
    for old, new in (('every = "1w"', 'every = "1mo"'), ("replicates = 400", "replicates = 20"),
                     ("shuffles = 200", "shuffles = 5"), ("folds = 5", "folds = 2"),
                     ('gold_within = "window"', 'gold_within = "all"')):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (place / "demo/study.toml").write_text(text, "utf-8")
    posts = place / "demo/posts.jsonl.zst"
    pages, labels = zstd.decompress(posts.read_bytes()).decode(), (place / "demo/labels.csv").read_text("utf-8")
    account = (place / "demo/accounts-pakistan.txt").read_text("utf-8").split()[-1].removeprefix("x:")
    labelled = labels.splitlines()[1].split(",")[0].removeprefix("x:")
    assert f'"{account}"' in pages
    assert f'"{labelled}"' in pages
    pages = pages.replace(f'"{account}"', f'"{CANARIES["author id"]}"')
    pages = pages.replace(f'"{labelled}"', f'"{CANARIES["post id"]}"')
    posts.write_bytes(zstd.compress(with_canaries(pages).encode()))
    (place / "demo/labels.csv").write_text(labels.replace(labelled, CANARIES["post id"]), "utf-8")
    for list_ in (place / "demo").glob("accounts-*.txt"):
        list_.write_text(list_.read_text("utf-8").replace(account, CANARIES["author id"]), "utf-8")
    code = "from discourse.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "demo/study.toml"], cwd=place, capture_output=True, check=False,
        env={**os.environ, "MPLBACKEND": "Agg"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-800:]
    return place, done


def test_the_canaries_went_into_the_study(published: tuple[Path, subprocess.CompletedProcess[bytes]]) -> None:
    from discourse.store.saved import load_corpus

    place, _ = published
    corpus = load_corpus(place / "out/demo/corpus")
    said = corpus.posts.filter(corpus.posts["text"].str.contains(CANARIES["phrase"], literal=True))
    assert said.height > 50
    assert said["text"].str.contains(CANARIES["e-mail"], literal=True).all()
    assert f"x:{CANARIES['post id']}" in (place / "demo/labels.csv").read_text("utf-8")
    assert corpus.quarantine.height > 0
    assert hits(zstd.decompress((place / "demo/posts.jsonl.zst").read_bytes())) == set(CANARIES)


def test_no_canary_is_in_what_may_be_published(published: tuple[Path, subprocess.CompletedProcess[bytes]]) -> None:
    place, done = published
    files = [file for file in sorted((place / "figures/demo").rglob("*")) if file.is_file()]
    assert {file.suffix for file in files} == {".svg", ".png", ".pdf", ".csv", ".html", ".json"}
    assert len(files) > 20
    assert {file.name: found for file in files if (found := hits(file.read_bytes()))} == {}
    assert hits(os.fsencode("\n".join(file.name for file in files))) == set()
    assert hits(done.stdout) == set()
    assert hits(done.stderr) == set()
