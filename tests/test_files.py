from __future__ import annotations

import gzip
import re
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import BadInput, MissingData
from discourse.readers.files import first_bytes, open_chunks, open_lines, physical_lines


def raw_zstd(data: bytes) -> bytes:
    """A Zstandard frame made by hand from uncompressed blocks, without a checksum (RFC 8878)."""
    blocks = [data[start : start + 65536] for start in range(0, len(data), 65536)] or [b""]
    frame = struct.pack("<I", 0xFD2FB528) + b"\x00\x38"
    for number, block in enumerate(blocks):
        frame += struct.pack("<I", int(number == len(blocks) - 1) | len(block) << 3)[:3] + block
    return frame


def rle_zstd(blocks: int) -> bytes:
    """A frame of `blocks` blocks that each unpack to 128 KiB of one letter."""
    frame = struct.pack("<I", 0xFD2FB528) + b"\x00\x38"
    for number in range(blocks):
        frame += struct.pack("<I", int(number == blocks - 1) | 1 << 1 | 131072 << 3)[:3] + b"a"
    return frame


def written(folder: Path, data: bytes, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


PIECES = st.lists(
    st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b" ", b"\x0b", b"\x0c", b"\x1c", b"\xc2\x85", b"\xe2\x80\xa8"]),
    max_size=40,
)


@settings(deadline=None, max_examples=100)
@given(PIECES, st.integers(1, 9))
def test_lines_end_at_lf_crlf_and_cr_only_however_the_bytes_come(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    found = list(physical_lines(cut(data, size)))
    assert b"".join(line or b"" for _, line in found) == data
    expected = re.split(rb"\r\n|\r|\n", data)
    if not expected[-1]:
        expected.pop()
    assert [re.sub(rb"[\r\n]+\Z", b"", line or b"") for _, line in found] == expected
    assert [number for number, _ in found] == list(range(1, len(expected) + 1))


@settings(deadline=None, max_examples=100)
@given(PIECES, st.integers(1, 9), st.integers(1, 3))
def test_a_line_over_the_limit_is_none_however_the_bytes_come(pieces: list[bytes], size: int, limit: int) -> None:
    data = b"".join(pieces)
    expected = [len(line) > limit for line in re.split(rb"\r\n|\r|\n", data)]
    found = list(physical_lines(cut(data, size), limit))
    assert [line is None for _, line in found] == expected[: len(found)]
    assert len(expected) - len(found) in (0, 1)


def test_an_overlong_line_is_not_held() -> None:
    tracemalloc.start()
    lines = list(physical_lines(iter([b"ok\n", *[b"y" * 100_000] * 300, b"\nend"]), 200_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == [(1, b"ok\n"), (2, None), (3, b"end")]
    assert peak < 2_000_000


def test_blank_lines_are_no_records_but_count(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbf\n \t\none\r\n\r\rtwo ")
    assert list(open_lines(path)) == [(3, b"one"), (6, b"two ")]


def test_only_the_first_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbfa\n\xef\xbb\xbfb")
    assert list(open_lines(path)) == [(1, b"a"), (2, b"\xef\xbb\xbfb")]


BODY = b"".join(b"line %d\n" % number for number in range(20_000))
PACKED = {
    "plain": BODY,
    "gzip": gzip.compress(BODY),
    "two members": gzip.compress(BODY[:5000]) + gzip.compress(BODY[5000:]),
    "padded gzip": gzip.compress(BODY) + bytes(512),
    "zstd": raw_zstd(BODY),
    "two frames": raw_zstd(BODY[:70_000]) + raw_zstd(BODY[70_000:]),
    "skippable frame": struct.pack("<II", 0x184D2A50, 4) + b"meta" + raw_zstd(BODY),
}


@pytest.mark.parametrize("name", ["a.jsonl", "a.gz", "a.zst"])
@pytest.mark.parametrize("packed", PACKED)
def test_containers_are_told_by_content_not_by_name(tmp_path: Path, packed: str, name: str) -> None:
    path = written(tmp_path, PACKED[packed], name)
    assert b"".join(open_chunks(path)) == BODY
    assert sum(1 for _ in open_lines(path)) == 20_000


@pytest.mark.parametrize("packed", ["gzip", "two members", "zstd", "two frames"])
@pytest.mark.parametrize("left", [0.1, 0.6, 0.97])
def test_a_stream_cut_short_is_refused(tmp_path: Path, packed: str, left: float) -> None:
    data = PACKED[packed]
    path = written(tmp_path, data[: int(len(data) * left)])
    with pytest.raises(BadInput, match=r"'a\.jsonl' is cut short"):
        list(open_lines(path))


def test_a_stream_cut_at_the_end_of_a_line_is_refused(tmp_path: Path) -> None:
    whole = raw_zstd(BODY)
    open_frame = struct.pack("<I", 0xFD2FB528) + b"\x00\x38" + struct.pack("<I", 14 << 3)[:3] + BODY[:14]
    assert BODY[:14] == b"line 0\nline 1\n"
    with pytest.raises(BadInput, match="cut short"):
        list(open_lines(written(tmp_path, open_frame)))
    with pytest.raises(BadInput, match="cut short"):
        list(open_lines(written(tmp_path, gzip.compress(BODY)[:-4])))
    with pytest.raises(BadInput, match="cut short"):
        list(open_lines(written(tmp_path, whole[:3] + whole[3:5])))


@pytest.mark.parametrize("packed", ["gzip", "zstd"])
def test_other_bytes_after_a_stream_are_refused(tmp_path: Path, packed: str) -> None:
    with pytest.raises(BadInput, match="is damaged"):
        list(open_lines(written(tmp_path, PACKED[packed] + b"GARBAGE!" * 4)))


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    data = bytearray(PACKED["gzip"])
    data[-6] ^= 1
    with pytest.raises(BadInput, match="is damaged"):
        list(open_lines(written(tmp_path, bytes(data))))


def test_a_bomb_is_refused_early(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="more than 200 times its size"):
        list(open_lines(written(tmp_path, rle_zstd(16_384))))
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(80)) + packer.flush()
    with pytest.raises(BadInput, match="more than 200 times its size"):
        list(open_lines(written(tmp_path, data)))


def test_a_high_ratio_below_64_mib_is_no_bomb(tmp_path: Path) -> None:
    assert sum(len(chunk) for chunk in open_chunks(written(tmp_path, rle_zstd(256)))) == 256 * 131072


@pytest.mark.parametrize("data", [b"", gzip.compress(b"", mtime=0), raw_zstd(b"")])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadInput, match=r"'a\.jsonl' is empty"):
        list(open_lines(written(tmp_path, data)))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_utf_16_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(BadInput, match="is UTF-16; save it as UTF-8"):
        list(open_lines(written(tmp_path, "peace\n".encode(encoding))))


@pytest.mark.parametrize(
    ("head", "kind"), [(b"PK\x03\x04", "a zip archive"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\x00", "xz")]
)
def test_other_containers_are_named(tmp_path: Path, head: bytes, kind: str) -> None:
    with pytest.raises(BadInput, match=f"is {kind}; unpack it"):
        list(open_lines(written(tmp_path, head + bytes(20))))


def test_what_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"'none\.jsonl'") as caught:
        list(open_lines(tmp_path / "none.jsonl"))
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(BadInput, match="is not a file"):
        list(open_lines(tmp_path))


def test_short_files_keep_every_byte(tmp_path: Path) -> None:
    for data in (b"a", b"\xef", b"\xef\xbb", b"ab\n"):
        assert b"".join(open_chunks(written(tmp_path, data))) == data
    assert first_bytes(written(tmp_path, b"PAR1xyz"), 4) == b"PAR1"
    assert first_bytes(written(tmp_path, b""), 4) == b""
