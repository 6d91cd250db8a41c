"""Which side a post speaks from: rules in order, unknown stays unknown."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.gazetteer import Gazetteer
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.corpus.sides import COUNTRY_BASES, Rule, Sides, coverage
from discourse.errors import BadInput, MissingData, UsageError
from discourse.readers.files import open_lines
from discourse.schema import POSTS

SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
KEY = Key.made_up("sides")
HEAD = """sides = ["pakistan", "afghanistan"]
[timezone]
pakistan = "Asia/Karachi"
afghanistan = "Asia/Kabul"
unknown = "UTC"
"""
ALL_RULES = (
    HEAD
    + """
[[rule]]
basis = "source"
side = "pakistan"
files = ["pk_*.jsonl"]
[[rule]]
basis = "author"
side = "afghanistan"
authors = ["x:900"]
handles = ["x:@Demo_One"]
authors_file = "af.txt"
[[rule]]
basis = "country"
codes = {PK = "pakistan", af = "afghanistan"}
[[rule]]
basis = "location"
gazetteer = "builtin"
"""
)


def corpus(*posts: dict[str, Any]) -> Corpus:
    rows = [
        {
            "post_id": f"x:{place:02}",
            "platform": "x",
            "author_id": f"x:author{place}",
            "created_at": datetime(2025, 10, 11, tzinfo=UTC),
            "text": "سلام",
            "lang": "ps",
            "kind": "original",
            **post,
        }
        for place, post in enumerate(posts)
    ]
    return Corpus(POSTS.frame(rows) if rows else POSTS.empty())


def sides(folder: Path, text: str = ALL_RULES) -> Sides:
    (folder / "sides.toml").write_text(text, encoding="utf-8")
    (folder / "af.txt").write_text("# a list\nx:901\r\n\nx:902\n", encoding="utf-8")
    return Sides.from_toml(folder / "sides.toml")


def given_sides(assigned: Corpus) -> list[tuple[str, str]]:
    return [(side, basis) for side, basis in assigned.posts.select("side", "side_basis").rows()]


def test_each_basis_decides_and_the_first_that_speaks_wins(tmp_path: Path) -> None:
    bound = sides(tmp_path).bind(KEY)
    posts = corpus(
        {"source_file": "pk_2025.jsonl", "author_id": pseudonym(KEY, "x", "900"), "location": "Kabul"},
        {"source_file": "af_2025.jsonl", "author_id": pseudonym(KEY, "x", "900"), "country": "PK"},
        {"handle_id": handle_pseudonym(KEY, "x", "demo_ONE")},
        {"author_id": pseudonym(KEY, "x", "902")},
        {"author_id": pseudonym(KEY, "facebook", "902")},
        {"country": "pk", "location": "Kabul"},
        {"country": "AF"},
        {"country": "IN", "location": "Lahore"},
        {"location": "Kabul, Berlin"},
        {},
    )
    done = posts.with_sides(bound)
    assert given_sides(done) == [
        ("pakistan", "source"),
        ("afghanistan", "author"),
        ("afghanistan", "author"),
        ("afghanistan", "author"),
        ("unknown", "none"),
        ("pakistan", "country"),
        ("afghanistan", "country"),
        ("pakistan", "location"),
        ("unknown", "none"),
        ("unknown", "none"),
    ]
    step = done.history[-1]
    assert (step.step, step.before, step.after) == ("sides", 10, 10)
    assert step.reason == "decided by author, country, location, source; the rest unknown"


def test_evidence_counts_posts_authors_and_conflicts(tmp_path: Path) -> None:
    posts = corpus(
        {"source_file": "pk_1.jsonl", "location": "Kabul", "country": "AF", "author_id": "x:a"},
        {"source_file": "pk_1.jsonl", "location": "Lahore", "author_id": "x:a"},
        {"source_file": "pk_1.jsonl", "author_id": "x:b"},
        {"country": "PK", "location": "Herat", "author_id": "x:c"},
        {"author_id": "x:a"},
    )
    table = sides(tmp_path).bind(KEY).evidence(posts)
    assert table.columns == ["side", "basis", "posts", "authors", "conflicts"]
    assert table.rows() == [
        ("pakistan", "country", 1, 1, 1),
        ("pakistan", "source", 3, 2, 1),
        ("unknown", "none", 1, 1, 0),
    ]


def test_two_rules_of_one_basis_are_precedence_and_no_conflict() -> None:
    two = Sides(
        ("pakistan", "afghanistan"),
        (Rule("source", "afghanistan", files=("a_*",)), Rule("source", "pakistan", files=("*",))),
    )
    posts = corpus({"source_file": "a_1"}, {"source_file": "b_1"})
    assert two.evidence(posts).rows() == [("afghanistan", "source", 1, 1, 0), ("pakistan", "source", 1, 1, 0)]


def test_old_sides_are_replaced_the_rest_is_untouched_and_language_says_nothing(tmp_path: Path) -> None:
    posts = corpus({"side": "afghanistan", "side_basis": "old"}, {"lang": "ur", "text": "پاکستان"})
    done = sides(tmp_path).bind(KEY).assign(posts)
    assert given_sides(done) == [("unknown", "none"), ("unknown", "none")]
    assert done.posts.drop("side", "side_basis").equals(posts.posts.drop("side", "side_basis"))
    assert posts.posts["side"].to_list() == ["afghanistan", None]


def test_an_empty_corpus(tmp_path: Path) -> None:
    bound = sides(tmp_path).bind(KEY)
    assert len(bound.assign(corpus())) == 0
    assert bound.evidence(corpus()).height == 0


def test_named_accounts_need_the_key(tmp_path: Path) -> None:
    posts = corpus({"source_file": "pk_1.jsonl"})
    with pytest.raises(UsageError, match=r"pass the corpus's key: sides\.bind\(key\)$"):
        sides(tmp_path).assign(posts)


def test_bound_sides_hold_no_name_and_another_key_finds_nobody(tmp_path: Path) -> None:
    posts = corpus({"author_id": pseudonym(KEY, "x", "900")})
    assert given_sides(sides(tmp_path).bind(KEY).assign(posts)) == [("afghanistan", "author")]
    assert given_sides(sides(tmp_path).bind(Key.made_up("other")).assign(posts)) == [("unknown", "none")]
    assert "900" not in repr(sides(tmp_path).bind(KEY))
    assert "Demo" not in repr(sides(tmp_path))


def test_clocks(tmp_path: Path) -> None:
    read = sides(tmp_path)
    assert [read.timezone(side) for side in ("pakistan", "afghanistan", "unknown")] == [
        "Asia/Karachi",
        "Asia/Kabul",
        "UTC",
    ]
    partial = Sides(("pakistan", "afghanistan"), (), {"unknown": "Asia/Dubai"})
    assert partial.timezone("pakistan") == "Asia/Dubai"


COUNTRY = '[[rule]]\nbasis = "country"\n'
BOTH = 'codes = {PK = "pakistan", AF = "afghanistan"}\n'


def test_a_country_decides_only_where_a_post_was_written_unless_more_is_trusted(tmp_path: Path) -> None:
    posts = corpus(
        {"country": "PK", "country_basis": "geo"},
        {"country": "PK", "country_basis": "account"},
        {"country": "AF", "country_basis": "page_admins"},
        {"country": "AF", "country_basis": "community"},
        {"country": "AF", "country_basis": "guess"},
        {"country": "AF", "country_basis": None},
    )
    nobody = ("unknown", "none")
    geo = [("pakistan", "country"), nobody, nobody, nobody, nobody, ("afghanistan", "country")]
    assert given_sides(sides(tmp_path, HEAD + COUNTRY + BOTH).assign(posts)) == geo
    assert given_sides(sides(tmp_path, HEAD + COUNTRY + BOTH + 'trust = ["geo"]\n').assign(posts)) == geo
    account = sides(tmp_path, HEAD + COUNTRY + BOTH + 'trust = ["account"]\n').assign(posts)
    assert given_sides(account) == [nobody, ("pakistan", "country:account"), nobody, nobody, nobody, nobody]
    every = sides(tmp_path, HEAD + COUNTRY + BOTH + f"trust = {list(COUNTRY_BASES)}\n").assign(posts)
    assert given_sides(every) == [
        ("pakistan", "country"),
        ("pakistan", "country:account"),
        ("afghanistan", "country:page_admins"),
        ("afghanistan", "country:community"),
        nobody,
        ("afghanistan", "country"),
    ]
    assert every.history[-1].reason == (
        "decided by country, country:account, country:community, country:page_admins; the rest unknown"
    )


def test_a_country_that_is_not_trusted_leaves_the_word_to_the_next_rule_and_is_no_conflict(tmp_path: Path) -> None:
    place = '[[rule]]\nbasis = "location"\ngazetteer = "builtin"\n'
    posts = corpus({"country": "PK", "country_basis": "account", "location": "Kabul"})
    deaf = sides(tmp_path, HEAD + COUNTRY + BOTH + place)
    assert deaf.evidence(posts).rows() == [("afghanistan", "location", 1, 1, 0)]
    late = sides(tmp_path, HEAD + COUNTRY + BOTH + place + COUNTRY + BOTH + 'trust = ["account"]\n')
    assert late.evidence(posts).rows() == [("afghanistan", "location", 1, 1, 1)]
    early = sides(tmp_path, HEAD + COUNTRY + BOTH + 'trust = ["account"]\n' + place)
    assert early.evidence(posts).rows() == [("pakistan", "country:account", 1, 1, 1)]


def test_a_public_forum_decides_by_its_whole_name(tmp_path: Path) -> None:
    text = HEAD + (
        '[[rule]]\nbasis = "community"\nside = "pakistan"\ncommunities = ["pakistan", "r/Lahore"]\n'
        '[[rule]]\nbasis = "community"\nside = "afghanistan"\ncommunities = ["Afghan"]\n'
    )
    names = ("Pakistan", "r/pakistan", "/r/lahore", "lahore", "afghan", "pakistanis", "AskPakistan", "", None)
    done = sides(tmp_path, text).assign(corpus(*({"community": name} for name in names)))
    assert given_sides(done) == [
        *[("pakistan", "community")] * 4,
        ("afghanistan", "community"),
        *[("unknown", "none")] * 4,
    ]


def test_a_language_decides_only_when_a_rule_asks_and_by_what_the_platform_declared(tmp_path: Path) -> None:
    text = (
        HEAD + '[[rule]]\nbasis = "language"\ncodes = {PS = "afghanistan", "ur_IN" = "afghanistan", ur = "pakistan"}\n'
    )
    declared = ("ps", "PS", "ps-AF", "ps_PK", "ur", "ur-PK", "ur-in", "psx", "fa", "und", None)
    posts = corpus(*({"lang_declared": tag, "lang": "fa"} for tag in declared), {"lang": "ps", "text": "سوله"})
    assert given_sides(sides(tmp_path, text).assign(posts)) == [
        *[("afghanistan", "language")] * 4,
        *[("pakistan", "language")] * 2,
        ("afghanistan", "language"),
        *[("unknown", "none")] * 5,
    ]
    assert "language" not in {basis for _, basis in given_sides(sides(tmp_path).bind(KEY).assign(posts))}


def test_coverage_counts_every_post_once_and_says_the_share_of_the_unknown(tmp_path: Path) -> None:
    posts = corpus(
        {"country": "PK", "author_id": "x:a"},
        {"country": "PK", "author_id": "x:a"},
        {"location": "Lahore", "author_id": "x:a"},
        {"location": "Kabul", "author_id": "x:b"},
        {"author_id": "x:b"},
        *({"author_id": "x:c"} for _ in range(3)),
    )
    table = coverage(posts.with_sides(sides(tmp_path).bind(KEY)))
    assert table.columns == ["side", "basis", "posts", "authors", "share"]
    assert table.rows() == [
        ("afghanistan", "location", 1, 1, 0.125),
        ("pakistan", "country", 2, 1, 0.25),
        ("pakistan", "location", 1, 1, 0.125),
        ("unknown", "none", 4, 2, 0.5),
    ]


def test_coverage_names_the_unknown_also_when_there_is_none_and_wants_sides() -> None:
    rules = (Rule("country", codes={"PK": "pakistan"}),)
    known = Sides(("zone", "pakistan"), rules).assign(corpus({"country": "PK"}))
    assert coverage(known).rows() == [("pakistan", "country", 1, 1, 1.0), ("unknown", "none", 0, 0, 0.0)]
    # "unknown" is the last row by what it is, not by the alphabet.
    last = Sides(("zone",), (Rule("country", codes={"PK": "zone"}),)).assign(corpus({"country": "PK"}, {}))
    assert coverage(last)["side"].to_list() == ["zone", "unknown"]
    with pytest.raises(UsageError, match=r"^the posts have no sides yet; write corpus\.with_sides"):
        coverage(corpus({}))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('side = ["pakistan"]\n', "a key of the sides file is 'side'; .* Did you mean 'sides'"),
        (HEAD, r"the sides file has no \[\[rule\]\]"),
        (HEAD + '[[rule]]\nbasis = "langage"\n', "basis of rule 1 is 'langage'; it must be"),
        (HEAD + '[[rule]]\nside = "pakistan"\n', "rule 1 has no 'basis'"),
        (HEAD + COUNTRY, "rule 1 .country. has no codes"),
        (HEAD + COUNTRY + "codes = {PK = 1}", "rule 1 .country. has no codes"),
        (HEAD + COUNTRY + 'codes = {PK = "pakstan"}', "a side of rule 1 .* is 'pakstan'; .* Did you mean 'pakistan'"),
        (HEAD + COUNTRY + 'code = {PK = "pakistan"}', "a key of rule 1 .* is 'code'; .* Did you mean 'codes'"),
        (HEAD + COUNTRY + BOTH + 'trust = ["acount"]', "trust .* is 'acount'; .* Did you mean 'account'"),
        (HEAD + COUNTRY + BOTH + "trust = []", r"rule 1 .country. trusts nothing; write trust = \["),
        (HEAD + COUNTRY + BOTH + 'trust = "geo"', "trust of rule 1 must be a list of words"),
        (HEAD + '[[rule]]\nbasis = "language"\n', 'rule 1 .language. has no codes; write codes = {ur = "pakistan"}'),
        (HEAD + '[[rule]]\nbasis = "language"\ncodes = {ps = "kabul"}', "a side of rule 1 .language. is 'kabul'"),
        (HEAD + '[[rule]]\nbasis = "language"\ntrust = ["geo"]', "a key of rule 1 .language. is 'trust'"),
        (HEAD + '[[rule]]\nbasis = "community"\nside = "pakistan"\n', "rule 1 .community. names no forum"),
        (HEAD + '[[rule]]\nbasis = "community"\ncommunities = ["demo"]\n', "rule 1 has no 'side'"),
        (HEAD + '[[rule]]\nbasis = "source"\nside = "pakistan"\n', "names no file"),
        (HEAD + '[[rule]]\nbasis = "source"\nfiles = ["a"]\n', "rule 1 has no 'side'"),
        (HEAD + '[[rule]]\nbasis = "author"\nside = "pakistan"\n', "names no account"),
        (HEAD + '[[rule]]\nbasis = "location"\n', "rule 1 has no 'gazetteer'"),
        ('sides = ["pakistan", "unknown"]\n' + COUNTRY + 'codes = {PK = "pakistan"}', "none of them 'unknown'"),
        ('sides = ["pakistan", "pakistan"]\n' + COUNTRY + 'codes = {PK = "pakistan"}', "must be different names"),
        ('sides = ["pakistan"]\n[[rule]]\nbasis = "location"\ngazetteer = "builtin"', "'afghanistan'; it must be"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        sides(tmp_path, text)


@pytest.mark.parametrize(("zone", "shown"), [("Asia/Kabuul", "'Asia/Kabuul'"), ("", "''"), ("../etc", "'../etc'")])
def test_a_time_zone_must_exist(zone: str, shown: str) -> None:
    with pytest.raises(UsageError) as error:
        Sides(("pakistan",), (), {"pakistan": zone})
    assert str(error.value) == f"{shown} is no time zone; write an IANA name such as 'Asia/Karachi'"


def test_an_account_without_a_platform_is_refused_without_being_shown(tmp_path: Path) -> None:
    text = HEAD + '[[rule]]\nbasis = "author"\nside = "pakistan"\nauthors = ["987654"]\n'
    with pytest.raises(UsageError) as error:
        sides(tmp_path, text).bind(KEY)
    assert "987654" not in str(error.value)


def test_files_named_by_the_sides_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"no authors_file 'none\.txt' beside the sides file; rule 1"):
        sides(tmp_path, HEAD + '[[rule]]\nbasis = "author"\nside = "pakistan"\nauthors_file = "none.txt"\n')
    with pytest.raises(MissingData, match="there is no gazetteer"):
        sides(tmp_path, HEAD + '[[rule]]\nbasis = "location"\ngazetteer = "none.toml"\n')
    with pytest.raises(BadInput):
        sides(tmp_path, "sides = [")


def test_a_gazetteer_beside_the_sides_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[names.pakistan]\ncities = ["Moontown"]\n', encoding="utf-8")
    mine = sides(tmp_path, HEAD + '[[rule]]\nbasis = "location"\ngazetteer = "mine.toml"\n')
    assert given_sides(mine.assign(corpus({"location": "moontown"}, {"location": "Lahore"}))) == [
        ("pakistan", "location"),
        ("unknown", "none"),
    ]


PLACES = st.sampled_from([None, "Kabul", "Lahore", "Kabul, Lahore", "Everywhere"])
CODES = st.sampled_from([None, "PK", "AF", "IN"])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(CODES, PLACES), max_size=8))
def test_rules_follow_their_order_post_by_post(posts: list[tuple[str | None, str | None]]) -> None:
    by_code = {"PK": "pakistan", "AF": "afghanistan"}
    by_place = {"Lahore": "pakistan", "Kabul": "afghanistan"}
    rules = (Rule("country", codes=by_code), Rule("location", gazetteer=Gazetteer.builtin()))
    both = Sides(("pakistan", "afghanistan"), rules)
    given_ = corpus(*({"country": code, "location": place} for code, place in posts))
    expected, conflicts = [], 0
    for code, place in posts:
        votes = [(by_code.get(code or ""), "country"), (by_place.get(place or ""), "location")]
        spoken = [vote for vote in votes if vote[0]]
        expected.append(spoken[0] if spoken else ("unknown", "none"))
        conflicts += len({side for side, _ in spoken}) > 1
    assert given_sides(both.assign(given_)) == expected
    table = both.evidence(given_)
    assert table["conflicts"].sum() == conflicts
    assert table["posts"].sum() == len(posts)


def test_the_hashtag_campaign_reads_as_its_card_says() -> None:
    path = SHARED / "data" / "get-out-2021" / "rtweet.ndjson.zst"
    if not path.exists():
        pytest.skip("needs ../shared (the hashtag campaign of February 2021)")
    places = Counter(json.loads(line).get("location") for _, line in open_lines(path))
    found: Counter[str | None] = Counter()
    for place, count in places.items():
        found[Gazetteer.builtin().side_of(place)] += count
    assert found["afghanistan"] == pytest.approx(3700, rel=0.15)
    assert found["pakistan"] == pytest.approx(1200, rel=0.15)
    assert found.total() == 17360
    assert found[None] >= 10500


def test_votes_are_null_where_a_rule_is_silent() -> None:
    votes = Rule("source", "pakistan", files=("PK_*",)).votes(
        pl.DataFrame({"source_file": ["pk_1", "PK_1", None]}, schema={"source_file": pl.String})
    )
    assert votes.to_list() == [None, "pakistan", None]
