from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers.crowdtangle import ID_COLUMN, has_columns, row_draft
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.tables import column_reads
from discourse.readers.values import Reason

KEY = Key.made_up("crowdtangle")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"
FACEBOOK = "Facebook Id,User Name,Page Admin Top Country,Post Created,Likes,Comments,Shares,URL,Message,Description"
INSTAGRAM = "Account,User Name,Followers at Posting,Post Created,Likes,Comments,URL,Description"
POST = dict.fromkeys(FACEBOOK.split(","), "") | {
    "Facebook Id": "9100",
    "Post Created": "2021-08-15 09:00:00 EDT",
    "URL": "https://www.facebook.com/9100/posts/9001",
    "Message": "peace",
}
PHOTO = dict.fromkeys(INSTAGRAM.split(","), "") | {
    "User Name": "demo_one",
    "Post Created": "2021-08-15 09:00:00 EDT",
    "URL": "https://www.instagram.com/p/Cdemo1/",
    "Description": "peace",
}


def row(item: Any) -> Row | Reason:
    return to_row(item, KEY, "a.csv", 1) if isinstance(item, Draft) else item


def rows(name: str) -> list[tuple[int, Row | Reason]]:
    reads = column_reads(FIXTURES / name, has_columns, row_draft, ID_COLUMN)
    return [(read.line, row(read.item)) for read in reads]


def draft(cells: dict[str, str]) -> Draft:
    item = row_draft(cells)
    assert isinstance(item, Draft)
    return item


def test_a_handwritten_file_of_facebook() -> None:
    """Written by hand from the published list of columns; its pages are invented. 09:00 EDT is 13:00 in UTC."""
    found = rows("crowdtangle_facebook.csv")
    assert [(line, item) for line, item in found if isinstance(item, Reason)] == [
        (5, "missing_text"),
        (6, "bad_timestamp"),
    ]
    posts = [(line, item) for line, item in found if isinstance(item, Row)]
    assert [(line, post.post_id, str(post.created_at), post.text) for line, post in posts] == [
        (2, "facebook:9100_9001", "2021-08-15 13:00:00+00:00", "peace, &amp; bread"),
        (3, "facebook:9100_9002", "2021-01-15 14:00:00+00:00", "امن\ntwo lines"),
        (7, "facebook:9200_9001", "2021-08-15 13:00:00+00:00", "peace"),
    ]
    assert [(post.likes, post.replies, post.reposts, post.quotes) for _, post in posts] == [
        (1234, 56, 10, None),
        (0, None, None, None),
        (1, 0, 0, None),
    ]
    assert [(post.country, post.country_basis) for _, post in posts] == [("PK", "page_admins")] * 2 + [(None, None)]
    assert [post.author_id for _, post in posts] == [pseudonym(KEY, "facebook", n) for n in ("9100", "9100", "9200")]
    assert [post.handle_id for _, post in posts] == [handle_pseudonym(KEY, "facebook", "demo_page")] * 2 + [None]
    assert {(post.kind, post.parent_id, post.lang_declared, post.location) for _, post in posts} == {
        ("original", None, None, None)
    }


def test_a_handwritten_file_of_instagram() -> None:
    (first, post), (second, bare) = rows("crowdtangle_instagram.csv")
    assert (first, second, bare) == (2, 3, "missing_text")
    assert isinstance(post, Row)
    assert (post.post_id, post.platform) == ("instagram:Cdemo-_1", "instagram")
    assert (post.likes, post.replies, post.reposts) == (2000, 3, None)
    assert post.author_id == pseudonym(KEY, "instagram", "demo_one")
    assert post.handle_id == handle_pseudonym(KEY, "instagram", "demo_one")
    assert post.text == f"peace @{handle_pseudonym(KEY, 'instagram', 'demo_two').partition(':')[2]}"
    assert (post.country, post.country_basis) == (None, None)


@pytest.mark.parametrize(
    ("url", "native"),
    [
        ("https://www.facebook.com/9100/posts/9001", "9100_9001"),
        ("https://www.facebook.com/9100/posts/9001/", "9100_9001"),
        ("https://facebook.com/demo_page/posts/9001?v=5", "9100_9001"),
        ("https://m.facebook.com/demo_page/posts/words-of-it/9001", "9100_9001"),
        ("https://www.facebook.com/demo_page/posts/pfbid0Demo", "9100_pfbid0Demo"),
        ("https://www.facebook.com/permalink.php?story_fbid=9001&id=9100", "9100_9001"),
        ("https://m.facebook.com/story.php?id=9100&story_fbid=pfbid0Demo", "9100_pfbid0Demo"),
        ("https://www.facebook.com/photo.php?fbid=9001", "9100_9001"),
        ("https://www.facebook.com/watch/?v=9001", "9100_9001"),
        ("https://www.facebook.com/9100/videos/9001/", "9100_9001"),
        (" https://www.facebook.com/9100/posts/9001 ", "9100_9001"),
        ("https://www.facebook.com/demo_page/photos/a.1/9001/?type=3", "9100_9001"),
        ("https://www.facebook.com/9100", None),
        ("https://www.facebook.com/demo_page/posts/", None),
        ("https://www.facebook.com/permalink.php?id=9100", None),
        ("", None),
        ("no address", None),
    ],
)
def test_the_id_is_in_the_address(url: str, native: str | None) -> None:
    assert draft({**POST, "URL": url}).id == native
    assert isinstance(row(draft({**POST, "URL": url})), Row) == (native is not None)


@pytest.mark.parametrize(
    ("url", "native"),
    [
        ("https://www.instagram.com/p/Cdemo1/", "Cdemo1"),
        ("https://www.instagram.com/reel/C-demo_1", "C-demo_1"),
        ("https://www.instagram.com/tv/Cdemo1/?a=b", "Cdemo1"),
        ("https://www.instagram.com/demo_one/p/Cdemo1/", "Cdemo1"),
        ("https://www.instagram.com/demo_one/", None),
        ("https://www.instagram.com/p/", None),
        ("", None),
    ],
)
def test_the_code_is_in_the_address(url: str, native: str | None) -> None:
    assert draft({**PHOTO, "URL": url}).id == native


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2021-03-14 01:59:59 EST", "2021-03-14 06:59:59+00:00"),
        ("2021-03-14 03:00:00 EDT", "2021-03-14 07:00:00+00:00"),
        ("2021-11-07 01:30:00 EDT", "2021-11-07 05:30:00+00:00"),
        ("2021-11-07 01:30:00 EST", "2021-11-07 06:30:00+00:00"),
        ("2021-12-31 23:00:00 EST", "2022-01-01 04:00:00+00:00"),
        ("2021-08-15 09:00:00", "bad_timestamp"),
        ("2021-08-15 09:00:00 PDT", "bad_timestamp"),
        ("2021-08-15 09:00:00 IST", "bad_timestamp"),
        ("2021-08-15 09:00:00 edt", "bad_timestamp"),
        ("2021-02-30 09:00:00 EST", "bad_timestamp"),
        ("8/15/2021 9:00", "bad_timestamp"),
        ("", "bad_timestamp"),
    ],
)
def test_the_zone_word_is_honoured(cell: str, moment: str) -> None:
    for cells in (POST, PHOTO):
        made = row(draft({**cells, "Post Created": cell}))
        assert (str(made.created_at) if isinstance(made, Row) else made) == moment


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("", None),
        ("0", 0),
        ("7", 7),
        ("1,234", 1234),
        ("12,345,678", 12345678),
        ("1234", 1234),
        ("1,23", "wrong_type"),
        ("1.5", "wrong_type"),
        ("1.2K", "wrong_type"),
        ("-1", "wrong_type"),
        ("٧", "wrong_type"),
        ("N/A", "wrong_type"),
    ],
)
def test_counts(cell: str, count: int | str | None) -> None:
    for cells, column, name in (
        (POST, "Likes", "likes"),
        (POST, "Comments", "replies"),
        (POST, "Shares", "reposts"),
        (PHOTO, "Likes", "likes"),
        (PHOTO, "Comments", "replies"),
    ):
        made = row(draft({**cells, column: cell}))
        assert (getattr(made, name) if isinstance(made, Row) else made) == count


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, "9100"),
        ({"User Name": "demo_page"}, "9100"),
        ({"Facebook Id": "", "User Name": "demo_page"}, "demo_page"),
        ({"Facebook Id": '="9100"'}, "9100"),
        ({"Facebook Id": "'9100"}, "9100"),
        ({"Facebook Id": ""}, Reason.MISSING_ID),
        ({"Facebook Id": "1.00064E+14"}, Reason.ID_PRECISION_LOST),
        ({"Group Name": "Demo Group"}, Reason.MISSING_AUTHOR),
        ({"URL": "https://www.facebook.com/groups/9100/permalink/9001"}, Reason.MISSING_AUTHOR),
    ],
)
def test_who_wrote_it(fields: dict[str, str], outcome: Any) -> None:
    made = row(row_draft({**POST, **fields}))
    if isinstance(made, Reason):
        assert made is outcome
    else:
        assert made.author_id == pseudonym(KEY, "facebook", outcome)


def test_the_words_of_a_linked_page_are_not_the_authors() -> None:
    assert row(row_draft({**POST, "Message": "", "Link Text": "war", "Description": "war"})) == "missing_text"
    kept = row(row_draft({**POST, "Link Text": "war", "Description": "war", "Image Text": "war"}))
    assert isinstance(kept, Row)
    assert kept.text == "peace"


def test_an_account_of_instagram_without_a_name_is_set_aside() -> None:
    assert row(row_draft({**PHOTO, "User Name": "", "Account": "Demo One"})) == "missing_author"


@pytest.mark.parametrize("header", [FACEBOOK, INSTAGRAM, f"Group Name,{FACEBOOK}", f"Overperforming Score,{INSTAGRAM}"])
def test_headers_of_it(header: str) -> None:
    assert has_columns(header.split(","))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "id,author_id,created_at,text",
        "status_id,user_id,created_at,text",
        "id,creation_time,text,post_owner.id",
        "id,subreddit,created_utc,body",
        "URL,Message",
        "Facebook Id,Post Created,URL",
        "Account,User Name,Post Created,URL",
        "video_id,comment_id,text,URL,Description",
    ],
)
def test_other_headers_are_not_its(header: str) -> None:
    assert not has_columns(header.split(","))


CELLS = st.text(max_size=12) | st.sampled_from(
    ["https://www.facebook.com/9100/posts/9001", "2021-08-15 09:00:00 EDT", "0000-00-00 00:00:00 EST", "1,234", '="1"']
)


@given(st.dictionaries(st.sampled_from([*POST, "Group Name"]), CELLS), st.booleans())
@settings(deadline=None)
def test_no_cell_raises(cells: dict[str, str], photo: bool) -> None:
    made = row(row_draft({**(PHOTO if photo else POST), **cells}))
    assert isinstance(made, Row | Reason)
