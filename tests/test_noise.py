"""Links, mentions and hashtags are found whole, and a post's content is what stands beside them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from discourse.text.noise import content, content_length, mask

SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("see https://example.org/a?b=c#d.", "see <url>."),
        ("(www.example.org/x) HTTPS://EXAMPLE.ORG", "(<url>) <url>"),
        ("https://t.co/Ab1cافغانستان", "<url>افغانستان"),
        ("cut https://t…", "cut <url>"),
        ("pic.twitter.com/Ab1", "<url>"),
        ("RT @some_one: @other's #peace #امن", "RT <user>: <user>'s #peace #امن"),
        (".@someone، @user@example.social", ".<user>، <user>"),
        ("write to name@example.org @ home", "write to name@example.org @ home"),
        ("شکریہ@some_one", "شکریہ<user>"),
        ("nothing here", "nothing here"),
    ],
)
def test_mask(text: str, wanted: str) -> None:
    assert mask(text) == wanted
    assert mask(wanted) == wanted


@pytest.mark.parametrize(
    ("text", "length"),
    [("", 0), ("  peace  now \n", 10), ("#a #b @c https://example.org/x", 0), ("#a one @c two", 8), ("سلام #x", 4)],
)
def test_content_length(text: str, length: int) -> None:
    assert content_length(text) == length == len(content(text))


def test_content_length_rebuilds_the_frame_of_the_gold_sample() -> None:
    path = SHARED / "data" / "get-out-2021" / "rtweet.ndjson.zst"
    if not path.is_file():
        pytest.skip("needs ../shared with data/get-out-2021")
    if shutil.which("zstd") is None:
        pytest.skip("needs the zstd command")
    raw = subprocess.run(["zstd", "-dc", str(path)], capture_output=True, check=True).stdout
    texts = [row["text"] for row in map(json.loads, raw.splitlines()) if not row["is_retweet"]]
    kept = {text for text in texts if content_length(text) > 25}
    stripped = {re.sub(r"(?:https?://|[#@])\S+", "", text).strip() for text in kept}
    assert len(stripped) == 2677  # gold/README.md: "the 2,677 distinct originals"
