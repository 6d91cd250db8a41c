"""The cards against the corpora themselves: every file, every record, every reason. Numbers only, no text."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from discourse.corpus.catalogue import Card, card, catalogue, fetch, verify
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.errors import BadInput
from discourse.readers.mapped import Mapping
from discourse.readers.read import read_posts
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.tables import column_reads
from discourse.readers.twitter_r import ID_COLUMN, has_columns, row_draft
from discourse.readers.values import Reason
from discourse.store.importing import Imported, import_posts
from discourse.store.reading import read_corpus

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

KEY = Key.made_up("catalogue")
SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
DATA = SHARED / "data"
NAMES = [one.name for one in catalogue()]

pytestmark = [
    pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data (copies of public corpora)"),
    pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning"),
]


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def rows_of(path: Path) -> list[list[str]]:
    """The rows of a CSV as Python's own reader counts them, the header left out."""
    return list(csv.reader(io.StringIO(text_of(path), newline="")))[1:]


def lines_of(path: Path) -> list[str]:
    return text_of(path).splitlines()


def tweets() -> str:
    return zstd.decompress((DATA / "get-out-2021" / "rtweet.ndjson.zst").read_bytes()).decode()


def posts_in(value: Any) -> int:
    """How many items a page of an API holds: those of the list under its one known key, else itself."""
    if isinstance(value, list):
        return len(value)
    lists = [value[key] for key in ("data", "statuses", "items") if isinstance(value.get(key), list)]
    return len(lists[0]) if lists else 1


def exported(path: Path) -> int:
    if path.suffix == ".txt":  # a message begins with its time: [15-01-20 02:22:56] or 15.04.2016, 15:04
        return len(re.findall(r"^\[?\d\d[-.]\d\d[-.]\d\d", text_of(path), re.MULTILINE))
    if path.suffix == ".jsonl":
        return sum(posts_in(json.loads(line)) if line.endswith("}") else 1 for line in lines_of(path) if line)
    return posts_in(json.loads(text_of(path)))


def counted(name: str) -> Iterator[int]:
    """The records of each file of a corpus, counted by nothing of the package."""
    for file in card(name).files:
        path = DATA / name / file.path
        if name == "get-out-2021":
            yield tweets().count("\n")
        elif name == "export_fixtures":
            if path.name != "LICENSE" and "schema" not in file.path:
                yield exported(path)
        elif path.suffix == ".csv":
            yield len(rows_of(path))
        elif name == "roman_urdu_ruhsold" and path.suffix == ".tsv":  # no header
            yield text_of(path).count("\n") + (not text_of(path).endswith("\n"))
        elif path.suffix == ".tsv":
            yield len(text_of(path).rstrip("\n").split("\n")) - 1


def dicts_of(name: str, file: str) -> list[dict[str, str]]:
    """The rows of a CSV by the names of its header, as Python's own reader gives them."""
    return list(csv.DictReader(io.StringIO(text_of(DATA / name / file), newline="")))


def read(name: str, **given: Any) -> Corpus:
    return read_posts([DATA / name / file.path for file in card(name).files], key=KEY, **given)


def reasons(corpus: Corpus) -> dict[str, int]:
    return dict(Counter(corpus.quarantine.filter(outcome="quarantined")["reason"].to_list()))


def imported(name: str, folder: Path) -> Imported:
    """A corpus as `discourse import` takes it, with the mapping of its card."""
    one = card(name)
    paths: list[str | Path] = [DATA / name / file.path for file in one.files]
    return import_posts(paths, folder, key=KEY, mapping=one.mapping)


def account(done: Imported) -> dict[str, tuple[int, int, int, int]]:
    """What was read, accepted, a duplicate and set aside of each file; the last three add up to the first."""
    rows = {one.file: (one.read, one.accepted, one.duplicates, one.quarantined) for one in done.inputs}
    assert done.refused == {}
    assert all(read == accepted + repeated + aside for read, accepted, repeated, aside in rows.values())
    assert done.quarantined.height == sum(aside for *_, aside in rows.values())
    return rows


def is_of_card(done: Imported, one: Card) -> bool:
    sums = tuple(map(sum, zip(*account(done).values(), strict=True)))
    found = dict(Counter(done.quarantined["reason"].to_list()))
    rows = one.rows
    return sums == (rows.records, rows.accepted, rows.duplicates, rows.quarantined) and found == rows.reasons


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_those_of_the_card(name: str) -> None:
    assert verify(name, DATA) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_card_names_every_file(name: str) -> None:
    held = {path.relative_to(DATA / name).as_posix() for path in (DATA / name).rglob("*") if path.is_file()}
    assert {file.path for file in card(name).files} == held - {"README.txt"}


@pytest.mark.parametrize("name", NAMES)
def test_the_records_are_those_of_another_count(name: str) -> None:
    assert sum(counted(name)) == card(name).rows.records


def test_a_corpus_is_fetched_from_a_folder(tmp_path: Path) -> None:
    fetch("export_fixtures", tmp_path, source=DATA)
    assert verify("export_fixtures", tmp_path) == []


def test_get_out_2021_is_read_to_the_last_row(tmp_path: Path) -> None:
    done = imported("get-out-2021", tmp_path)
    assert is_of_card(done, card("get-out-2021"))
    posts = read_corpus(tmp_path).posts
    raw = [json.loads(line) for line in tweets().splitlines()]
    # The card of the original says 9,489 retweets and 3,654 authors.
    assert posts.filter(kind="repost").height == sum(one["is_retweet"] for one in raw) == 9_489
    assert posts["author_id"].n_unique() == len({one["user_id"] for one in raw}) == 3_654
    assert posts["post_id"].n_unique() == len({one["status_id"] for one in raw}) == 17_360


def test_pk_politics_is_read_to_the_last_row(tmp_path: Path) -> None:
    done = imported("pk_politics_na404_2022", tmp_path)
    assert is_of_card(done, card("pk_politics_na404_2022"))
    rows = dicts_of("pk_politics_na404_2022", "tweets.csv")
    named = [row for row in rows if row["author_id"]]
    assert account(done) == {"tweets.csv": (len(rows), len(named), 0, len(rows) - len(named))}
    assert set(done.quarantined["reason"]) == {"missing_author"}
    posts = read_corpus(tmp_path).posts
    assert posts["author_id"].n_unique() == len({row["author_id"] for row in named})
    # A row that has time and text of an earlier one is a post all the same.
    assert len(rows) - len({(row["created_at"], row["text"]) for row in rows}) == 135
    assert posts["post_id"].n_unique() == len(named) == 2_728
    assert posts["post_id"].str.contains("^x-table:row-[a-z2-7]{26}$").all()
    assert not posts["text"].str.contains("&(amp|lt|gt);").any()
    assert any("&amp;" in row["text"] for row in rows)


def test_pk_politics_without_an_assumed_zone_sets_the_times_without_one_aside() -> None:
    one = card("pk_politics_na404_2022")
    assert one.mapping is not None
    corpus = read(one.name, mapping=replace(Mapping.from_toml(one.mapping), timezone=None))
    rows = dicts_of(one.name, "tweets.csv")
    zoned = [row for row in rows if row["created_at"].endswith("+00:00")]
    aside = {"bad_timestamp": len(rows) - len(zoned), "missing_author": sum(not row["author_id"] for row in zoned)}
    assert reasons(corpus) == aside
    assert aside["bad_timestamp"] == 1_293
    assert any("1,293 times" in pitfall for pitfall in one.pitfalls)


def test_what_speaks_for_the_zone_of_pk_politics_is_what_the_mapping_says() -> None:
    """Texts of over 40 characters, names and links left out, that stand in both forms of time."""
    times: dict[str, set[tuple[bool, datetime]]] = {}
    for row in dicts_of("pk_politics_na404_2022", "tweets.csv"):
        text = " ".join(re.sub(r"https?://\S+|@\w+", "", row["text"]).split()).lower()
        zoned = row["created_at"].endswith("+00:00")
        form = "%Y-%m-%d %H:%M:%S+00:00" if zoned else "%m/%d/%Y %H:%M"
        if len(text) > 40 and (zoned or not row["created_at"].endswith("M")):
            minute = datetime.strptime(row["created_at"], form).replace(second=0)
            times.setdefault(text[:60], set()).add((zoned, minute))
    both = [found for found in times.values() if len({zoned for zoned, _ in found}) == 2]
    same = [found for found in both if len({minute for _, minute in found}) == 1]
    assert (len(both), len(same)) == (3, 2)


def test_pk_twitter_is_read_to_the_last_row_under_its_mapping(tmp_path: Path) -> None:
    name = "pk_twitter_2022_twitteR"
    done = imported(name, tmp_path)
    assert is_of_card(done, card(name))
    first, second = (dicts_of(name, file) for file in ("chi_emb_pak.csv", "xinhua_urd.csv"))
    both = {row["id"] for row in first} & {row["id"] for row in second}
    assert len(both) == 5
    assert account(done) == {
        "chi_emb_pak.csv": (len(first), len(first), 0, 0),
        "xinhua_urd.csv": (len(second), len(second) - len(both), len(both), 0),
    }
    whole = {row["id"]: row for row in (*first, *second)}
    retweets = [row for row in whole.values() if row["isRetweet"] == "True"]
    posts = read_corpus(tmp_path).posts
    reposts = posts.filter(kind="repost")
    assert reposts.height == len(retweets)
    assert reposts["likes"].null_count() == reposts["reposts"].null_count() == len(retweets)
    own = posts.filter(kind="original")
    assert own["likes"].sum() == sum(int(row["favoriteCount"]) for row in whole.values() if row not in retweets)
    assert sum(row["replyToSID"] != "" for row in (*first, *second)) == 131
    assert sum(row["isRetweet"] == "True" for row in (*first, *second)) == 1_308


def test_indopak_is_read_to_the_last_row_as_one_author(tmp_path: Path) -> None:
    name = "indopak_pulwama_2019"
    done = imported(name, tmp_path)
    assert is_of_card(done, card(name))
    files = {file.path: dicts_of(name, file.path) for file in card(name).files}
    assert account(done) == {file: (len(rows), len(rows), 0, 0) for file, rows in files.items()}
    posts = read_corpus(tmp_path).posts
    assert posts["author_id"].n_unique() == 1
    days = Counter(datetime.strptime(row["date"], "%m/%d/%y").date() for rows in files.values() for row in rows)
    assert Counter(when.date() for when in posts["created_at"]) == days
    assert (min(days).isoformat(), max(days).isoformat()) == ("2019-02-12", "2019-03-05")


def test_ruw_is_read_to_the_last_row_and_what_is_not_utf8_is_set_aside(tmp_path: Path) -> None:
    name = "ruw_russia_ukraine_stance"
    done = imported(name, tmp_path)
    assert is_of_card(done, card(name))
    assert set(done.quarantined["reason"]) == {"invalid_utf8"}
    texts: dict[str, Counter[str]] = {}
    seen: Counter[str] = Counter()
    expected = {}
    for file in sorted(one.path for one in card(name).files):
        rows = dicts_of(name, file)
        sound = [row["Tweet"] for row in rows if not re.search("[\udc80-\udcff]", "".join(row.values()))]
        texts[file] = Counter(sound)
        known = sum(min(number, seen[text]) for text, number in texts[file].items())  # of the files before it
        seen |= texts[file]
        expected[file] = (len(rows), len(sound) - known, known, len(rows) - len(sound))
    assert account(done) == expected
    assert sum(sum(text in one for one in texts.values()) > 1 for text in seen) == 5
    posts = read_corpus(tmp_path).posts
    assert posts.height == seen.total()
    assert (posts["author_id"].n_unique(), posts["created_at"].n_unique()) == (1, 1)


@pytest.mark.parametrize(
    ("file", "beside"),
    [
        ("urdu_youtube_hate_offensive.csv", "urdu_script_labelled.mapping.toml"),
        ("urdu_sentiment_corpus_v1.tsv", "urdu_script_labelled.tweets.mapping.toml"),
    ],
)
def test_each_file_in_urdu_script_has_a_mapping(tmp_path: Path, file: str, beside: str) -> None:
    one = card("urdu_script_labelled")
    assert one.mapping is not None
    path = DATA / one.name / file
    done = import_posts(path, tmp_path, key=KEY, mapping=one.mapping.with_name(beside))
    lines = text_of(path).rstrip("\n").split("\n")[1:]
    if path.suffix == ".csv":
        assert account(done) == {file: (len(rows_of(path)), len(rows_of(path)), 0, 0)}
        return
    short = sum("\t" not in line for line in lines)
    # A cell that begins with a quote must end with one; a quote within is written twice.
    torn = sum(line.startswith('"') and not re.match(r'"(?:[^"]|"")*"\t', line) for line in lines)
    assert Counter(done.quarantined["reason"].to_list()) == {"too_few_fields": short, "bad_quotes": torn}
    assert account(done) == {file: (len(lines), len(lines) - short - torn, 0, short + torn)}


def test_the_counts_of_urdu_script_are_the_sum_of_both_imports(tmp_path: Path) -> None:
    one = card("urdu_script_labelled")
    assert one.mapping is not None
    first = import_posts(DATA / one.name / "urdu_youtube_hate_offensive.csv", tmp_path, key=KEY, mapping=one.mapping)
    beside = one.mapping.with_name("urdu_script_labelled.tweets.mapping.toml")
    second = import_posts(DATA / one.name / "urdu_sentiment_corpus_v1.tsv", tmp_path, key=KEY, mapping=beside)
    sums = tuple(map(sum, zip(*account(first).values(), *account(second).values(), strict=True)))
    assert sums == (one.rows.records, one.rows.accepted, one.rows.duplicates, one.rows.quarantined)
    assert Counter(second.quarantined["reason"].to_list()) == one.rows.reasons
    assert read_corpus(tmp_path).posts.height == one.rows.accepted


def test_twitter_r_sets_every_row_aside_because_its_ids_are_hashes() -> None:
    one = card("pk_twitter_2022_twitteR")
    found: Counter[str] = Counter()
    for file in one.files:
        for item in column_reads(DATA / one.name / file.path, has_columns, row_draft, ID_COLUMN):
            made = to_row(item.item, KEY, file.path, item.line) if isinstance(item.item, Draft) else item.item
            found["accepted" if isinstance(made, Row) else str(made)] += 1
    ids = [row[7] for file in one.files for row in rows_of(DATA / one.name / file.path)]
    assert found == {"bad_id": len(ids)}
    assert not any(one.isdigit() for one in ids)


@pytest.mark.parametrize("name", [one.name for one in catalogue() if one.format in ("none", "mapping")])
def test_a_corpus_of_no_known_format_is_refused_whole_without_a_mapping(name: str) -> None:
    if name == "pk_twitter_2022_twitteR":
        assert reasons(read(name)) == {"bad_id": card(name).rows.records}
        return
    for file in card(name).files:
        with pytest.raises(BadInput, match="in no format that is known"):
            read_posts(DATA / name / file.path, key=KEY)


def test_the_bytes_that_are_not_utf8_are_as_many_rows_as_the_card_says() -> None:
    found = {
        file.path: sum(any(re.search("[\udc80-\udcff]", cell) for cell in row)
                       for row in rows_of(DATA / "ruw_russia_ukraine_stance" / file.path))
        for file in card("ruw_russia_ukraine_stance").files
    }  # fmt: skip
    assert found == {
        "raw_train_Russia_Ukraine.csv": 159, "raw_val_Russia_Ukraine.csv": 21, "raw_test_Russia_Ukraine.csv": 223,
    }  # fmt: skip
    assert any("159, 21 and 223" in one for one in card("ruw_russia_ukraine_stance").pitfalls)


def test_reasons_are_words_of_the_reader() -> None:
    assert {one for each in catalogue() for one in each.rows.reasons} <= set(Reason)
