from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, pseudonym
from discourse.errors import BadInput, MissingData, PrivacyError, QuarantineWarning, UsageError
from discourse.readers.read import read_posts

KEY = Key.made_up("read")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"


def tweet(number: int, **given: Any) -> dict[str, Any]:
    return {
        "id": str(9 * 10**18 + number),
        "author_id": "canary501",
        "created_at": "2025-05-07T10:00:00Z",
        "text": f"canary words {number}",
        **given,
    }


def lines(*records: Any) -> bytes:
    return b"".join(
        (record if isinstance(record, bytes) else json.dumps(record).encode()) + b"\n" for record in records
    )


@pytest.mark.parametrize(
    ("name", "format_"), [("page.jsonl", "x_api"), ("flat.jsonl", "x_api"), ("rtweet.jsonl", "rtweet")]
)
@pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning")
def test_the_format_is_told_by_content(tmp_path: Path, name: str, format_: str) -> None:
    odd = tmp_path / "export.dat"
    odd.write_bytes(b"\nbroken line\n" + (FIXTURES / name).read_bytes())
    corpus = read_posts(odd, key=KEY)
    assert corpus.files["format"].to_list() == [format_]
    assert corpus.quarantine.row(0) == ("export.dat", 2, "invalid_json", "quarantined")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html>\n<html></html>\n", "is a web page"),
        (b'[\n{"id": "1"}\n]\n', "in no format that is known"),
        (b'{"id": "1"}\n', "in no format that is known"),
        (b"id,text\n1,a\n", "in no format that is known"),
        (b"PAR1....", "is a Parquet file"),
        (b"\n \n", "in no format that is known"),
    ],
)
def test_an_unknown_format_says_what_is_known_and_what_to_give(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=words) as caught:
        read_posts(path, key=KEY)
    for part in ("'a.txt'", "fourcat, x_api, rtweet", "mapping='columns.toml'", "id, author, created_at, text"):
        assert part in str(caught.value)


def test_a_named_format_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines({"id": "1"}, tweet(1)))
    with pytest.warns(
        QuarantineWarning, match=r"1 of 2 rows of 'a\.jsonl' were set aside: missing_author 1; see corpus"
    ):
        assert read_posts(path, key=KEY, format="x_api").files["format"].to_list() == ["x_api"]


def test_options_that_do_not_fit() -> None:
    page = FIXTURES / "page.jsonl"
    with pytest.raises(UsageError, match=r"format is 'rtweets'.*Did you mean 'rtweet'"):
        read_posts(page, key=KEY, format="rtweets")
    with pytest.raises(UsageError, match="format 'csv' needs a mapping"):
        read_posts(page, key=KEY, format="csv")
    with pytest.raises(UsageError, match="takes no mapping"):
        read_posts(page, key=KEY, format="rtweet", mapping=FIXTURES / "columns.toml")
    with pytest.raises(UsageError, match="no file was named"):
        read_posts([], key=KEY)
    with pytest.raises(UsageError, match=r"is a folder; name its files, for instance 'readers/\*.jsonl'"):
        read_posts(FIXTURES, key=KEY)


def test_paths_and_patterns_that_find_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(tweet(1)))
    for missing in ("none.jsonl", "*.csv"):
        with pytest.raises(MissingData) as caught:
            read_posts([tmp_path / "a.jsonl", str(tmp_path / missing)], key=KEY)
        assert missing in str(caught.value)
        assert str(tmp_path) not in str(caught.value)


def test_a_file_is_read_once_however_often_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a[1].jsonl"
    path.write_bytes(lines(tweet(1)))
    (tmp_path / "link.jsonl").symlink_to(path)
    corpus = read_posts([path, str(path), f"{tmp_path}/*.jsonl", tmp_path / "link.jsonl"], key=KEY)
    assert corpus.files.rows() == [("a[1].jsonl", "x_api", 1, 1, 0, 0, 0, 0)]


def test_files_of_one_name_are_told_apart_without_the_way_to_them(tmp_path: Path) -> None:
    for folder, number in (("may", 1), ("june", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jsonl").write_bytes(lines(tweet(number), b"broken"))
    with pytest.warns(QuarantineWarning, match="2 of 4 rows of 2 files were set aside: invalid_json 2;"):
        corpus = read_posts(f"{tmp_path}/**/*.jsonl", key=KEY)
    assert corpus.files["file"].to_list() == ["june/a.jsonl", "may/a.jsonl"]
    assert corpus.posts["source_file"].to_list() == ["may/a.jsonl", "june/a.jsonl"]
    assert corpus.quarantine["source_file"].to_list() == ["june/a.jsonl", "may/a.jsonl"]


def test_one_warning_for_all_that_was_set_aside_and_none_for_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(tweet(1), tweet(1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_posts(path, key=KEY).files.row(0)[2:6] == (2, 1, 1, 0)
    path.write_bytes(
        lines(tweet(1), tweet(1), tweet(2, id=None), *[b"x"] * 2, tweet(3, created_at="now"), tweet(4, id=""))
    )
    with pytest.warns(QuarantineWarning) as caught:
        read_posts(path, key=KEY)
    assert [str(one.message) for one in caught] == [
        "5 of 7 rows of 'a.jsonl' were set aside: invalid_json 2, missing_id 2, bad_timestamp 1; see corpus.quarantine"
    ]
    assert caught[0].filename == __file__


def test_nothing_of_a_person_is_in_errors_warnings_and_accounts(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        lines(tweet(1), tweet(2, id=7.5), json.dumps(tweet(3)).encode()[:-9], tweet(1, text="canary other"))
    )
    with pytest.warns(QuarantineWarning) as caught:
        corpus = read_posts(path, key=KEY)
    said = (
        "".join(str(one.message) for one in caught)
        + repr(corpus)
        + str(corpus.quarantine.rows())
        + str(corpus.files.rows())
    )
    assert "canary" not in said
    assert "9000000000" not in said
    assert str(tmp_path) not in said


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    arabic = json.dumps(tweet(1, text="سلام دنيا"), ensure_ascii=False).encode("cp1256")
    path.write_bytes(lines(tweet(2), arabic, arabic))
    with pytest.raises(BadInput, match=r"most of 'a\.jsonl' is not UTF-8"):
        read_posts(path, key=KEY)
    path.write_bytes(lines(tweet(2), arabic))
    with pytest.warns(QuarantineWarning, match="invalid_utf8 1"):
        assert len(read_posts(path, key=KEY)) == 1


def test_an_overlong_line_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(tweet(1), b'{"id":"' + b"y" * (16 << 20) + b'"}', tweet(2)))
    with pytest.warns(QuarantineWarning, match=r"1 of 3 rows.*record_too_large 1"):
        corpus = read_posts(path, key=KEY)
    assert corpus.quarantine.row(0) == ("a.jsonl", 2, "record_too_large", "quarantined")


def test_without_a_key_the_one_of_the_machine_is_made_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "keys" / "my.key"
    monkeypatch.setenv("DISCOURSE_KEY_FILE", str(place))
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(tweet(1, author_id="501")))
    first, second = read_posts(path), read_posts(path)
    assert first.posts["author_id"].to_list() == [pseudonym(Key.from_file(place), "x", "501")]
    assert first.posts.equals(second.posts, null_equal=True)
    place.chmod(0o644)
    with pytest.raises(PrivacyError):
        read_posts(path)


def test_progress_counts_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines({"data": [tweet(number) for number in range(1, 10_006)], "meta": {}}))
    seen: list[int] = []
    read_posts(path, key=KEY, progress=seen.append)
    assert seen == [10_000, 10_005]


RECORD = st.one_of(
    st.builds(
        tweet,
        st.integers(1, 6),
        text=st.sampled_from(["peace", "war"]),
        public_metrics=st.just({"like_count": 1}) | st.none(),
    ),
    st.sampled_from([b"broken", b"[]", b'{"errors": [{}]}']),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(RECORD, max_size=5), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_order_and_packing_of_files_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Any]], random: Any
) -> None:
    plain, packed = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("packed")
    names = [f"{number}.jsonl" for number in range(len(files))]
    for name, records in zip(names, files, strict=True):
        data = lines(tweet(9), *records)
        (plain / name).write_bytes(data)
        (packed / name).write_bytes(gzip.compress(data.replace(b"\n", b"\r\n")))
    shuffled = names[:]
    random.shuffle(shuffled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuarantineWarning)
        one = read_posts([plain / name for name in names], key=KEY)
        other = read_posts([packed / name for name in shuffled], key=KEY)
    assert one.posts.equals(other.posts, null_equal=True)
    assert one.quarantine.equals(other.quarantine)
    assert one.files.equals(other.files)
    assert one.files["read"].sum() == sum(map(len, files)) + len(files)


@pytest.mark.parametrize(
    ("name", "counts", "platform"),
    [
        ("telegram_chat.json", ("telegram", 7, 4, 0, 3), "telegram"),
        ("telegram_account.json", ("telegram", 6, 3, 0, 3), "telegram"),
        ("youtube_threads.json", ("youtube", 6, 4, 0, 2), "youtube"),
    ],
)
@pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning")
def test_a_document_is_told_from_its_content_and_counted(
    tmp_path: Path, name: str, counts: tuple[object, ...], platform: str
) -> None:
    fixture = Path(__file__).parent / "fixtures" / "readers" / name
    given = tmp_path / "export.bin"  # neither the name nor the ending says what it is
    given.write_bytes(gzip.compress(fixture.read_bytes()))
    corpus = read_posts(given, key=Key.made_up("documents"))
    assert corpus.files.rows() == [("export.bin", *counts, 0, 0)]
    assert set(corpus.posts["platform"]) == {platform}
    assert corpus.posts["post_id"].str.starts_with(f"{platform}:").all()
    assert corpus.posts["author_id"].str.contains(rf"^{platform}:[a-z2-7]{{26}}$").all()


@pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning")
def test_no_message_of_a_private_chat_is_taken() -> None:
    corpus = read_posts(Path(__file__).parent / "fixtures" / "readers" / "telegram_account.json", key=Key.made_up("p"))
    assert corpus.quarantine["reason"].to_list() == ["private_chat"] * 3
