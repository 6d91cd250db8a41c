"""Which country a post speaks from, on what evidence, and how many posts stay unknown.

Rules are tried in the order of the file and the first that says something decides. Nothing is inferred from
a post's text, nor from its language unless a rule asks for it: an Afghan writes Urdu, a Pakistani writes Pashto.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from discourse.corpus.gazetteer import Gazetteer
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.errors import MissingData, SchemaError, UsageError
from discourse.schema import UNKNOWN, one_of
from discourse.settings import only_keys, read_toml, table_list, word, word_list

__all__ = ["COUNTRY_BASES", "Rule", "Sides", "coverage"]

NO_BASIS = "none"
COUNTRY_BASES = ("geo", "account", "page_admins", "community")
"""What a country code can be the country of: where a post was written, an account's, a page's managers', a forum's."""

_KEYS = {
    "source": ("basis", "side", "files"),
    "author": ("basis", "side", "authors", "handles", "authors_file"),
    "country": ("basis", "codes", "trust"),
    "location": ("basis", "gazetteer"),
    "community": ("basis", "side", "communities"),
    "language": ("basis", "codes"),
}
_COLUMNS = {"source": ("source_file",), "author": ("author_id", "handle_id"), "language": ("lang_declared",)}


@dataclass(frozen=True, repr=False)
class Rule:
    """One kind of evidence: what it is called (`basis`) and, for each value of a column of posts, its side.

    `files` are glob patterns of a file's name; `accounts` native ids ("x:123") and `handles` ("x:demo_one"),
    which `Sides.bind` turns into `pseudonyms`; `codes` country codes, of which only those are looked at that are
    the country of something in `trust` (`COUNTRY_BASES`), or language tags; `gazetteer` names of places;
    `communities` public forums by name, with or without "r/".

    Warning: the rule "language" takes the language a platform declares for a country. It errs for whole groups of
    people (most Pashto speakers live in Pakistan, Afghans write Urdu): what it gives is a language, not a side.

    >>> Rule("source", side="pakistan", files=("pk_*",)).side_of("pk_2025.jsonl")
    'pakistan'
    """

    basis: str
    side: str = UNKNOWN
    files: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    gazetteer: Gazetteer | None = None
    pseudonyms: frozenset[str] | None = None
    trust: tuple[str, ...] = ("geo",)
    communities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.trust:
            _known(name, COUNTRY_BASES, f"a word of trust of the rule {self.basis!r}")
        if self.basis == "language":
            object.__setattr__(self, "codes", {_tag(code): side for code, side in self.codes.items()})

    def __repr__(self) -> str:
        return f"Rule({self.basis}{'' if self.side == UNKNOWN else ' ' + self.side})"

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides this rule can give.

        >>> Rule("country", codes={"PK": "pakistan"}).sides
        ('pakistan',)
        """
        if self.basis in ("country", "language"):
            return tuple(self.codes.values())
        return self.gazetteer.sides if self.gazetteer else (self.side,)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the posts table that this rule looks at.

        >>> Rule("country", codes={"PK": "pakistan"}).columns
        ('country',)
        """
        return _COLUMNS.get(self.basis, (self.basis,))

    def bind(self, key: Key) -> Rule:
        """The rule with its accounts and handles as pseudonyms under `key`, and no longer by name.

        Raises `UsageError` when one is not written "platform:name".

        >>> Rule("author", side="pakistan", accounts=("x:900",)).bind(Key.made_up("demo"))
        Rule(author pakistan)
        """
        if self.basis != "author" or self.pseudonyms is not None:
            return self
        known = {pseudonym(key, *_account(name)) for name in self.accounts}
        known |= {handle_pseudonym(key, *_account(name)) for name in self.handles}
        return replace(self, accounts=(), handles=(), pseudonyms=frozenset(known))

    def side_of(self, value: str) -> str | None:
        """The side of one value of one of this rule's columns; None when the rule is silent about it.

        Raises `UsageError` for an author rule that was not bound to a key.

        >>> Rule("country", codes={"PK": "pakistan"}).side_of("IN") is None
        True
        """
        if self.basis == "country":
            return self.codes.get(value.upper())
        if self.basis == "language":
            tag = _tag(value)
            return self.codes.get(tag, self.codes.get(tag.partition("-")[0]))
        if self.basis == "community":
            return self.side if _forum(value) in map(_forum, self.communities) else None
        if self.basis == "location":
            return self.gazetteer.side_of(value) if self.gazetteer else None
        if self.basis == "source":
            return self.side if any(fnmatchcase(value, pattern) for pattern in self.files) else None
        if self.pseudonyms is None:
            raise UsageError(
                "the sides name accounts, and the corpus holds pseudonyms; pass the corpus's key: sides.bind(key)"
            )
        return self.side if value in self.pseudonyms else None

    def votes(self, posts: pl.DataFrame) -> pl.Series:
        """The side this rule gives each post, null where it is silent; distinct values are looked up once.

        >>> Rule("country", codes={"PK": "pakistan"}).votes(pl.DataFrame({"country": ["PK", None]})).to_list()
        ['pakistan', None]
        """
        voted = pl.Series("side", [None] * posts.height, dtype=pl.String)
        for name in self.columns:
            said = {value: self.side_of(value) for value in posts[name].drop_nulls().unique()}
            found = posts[name].replace_strict(said, default=None, return_dtype=pl.String)
            voted = voted.zip_with(voted.is_not_null(), found)
        if self.basis == "country":
            silent = pl.Series("side", [None] * posts.height, dtype=pl.String)
            voted = voted.zip_with(_country_basis(posts).is_in(self.trust), silent)
        return voted.alias("side")

    def names(self, posts: pl.DataFrame) -> pl.Series:
        """What `side_basis` says of each post that this rule decides: the basis, with what a country was of.

        "country" alone is the country where the post was written, "country:account" that of the account.

        >>> posts = pl.DataFrame({"country": ["PK", "PK"], "country_basis": ["geo", "account"]})
        >>> Rule("country", codes={"PK": "pakistan"}).names(posts).to_list()
        ['country', 'country:account']
        """
        if self.basis != "country":
            return pl.Series("side_basis", [self.basis] * posts.height, dtype=pl.String)
        of = _country_basis(posts)
        named = {value: self.basis if value == "geo" else f"{self.basis}:{value}" for value in of.unique()}
        return of.replace_strict(named, return_dtype=pl.String).alias("side_basis")


@dataclass(frozen=True)
class Sides:
    """The sides of a study, the clock of each and the rules that tell which side a post speaks from.

    >>> sides = Sides(("pakistan", "afghanistan"), (Rule("location", gazetteer=Gazetteer.builtin()),))
    >>> sides.timezone("pakistan")
    'UTC'
    """

    sides: tuple[str, ...]
    rules: tuple[Rule, ...]
    timezones: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if UNKNOWN in self.sides or len(set(self.sides)) != len(self.sides) or not self.sides:
            raise UsageError(f"sides must be different names, and none of them {UNKNOWN!r}; got {list(self.sides)}")
        for number, rule in enumerate(self.rules, start=1):
            for side in rule.sides:
                _known(side, self.sides, f"a side of rule {number} ({rule.basis})")
        for side, zone in self.timezones.items():
            _known(side, (*self.sides, UNKNOWN), "a side under [timezone]")
            _check_zone(zone)

    @classmethod
    def from_toml(cls, path: str | Path) -> Sides:
        """The sides from a file with `sides`, `[timezone]` and one `[[rule]]` for each kind of evidence.

        Raises `MissingData`, `BadInput` or `UsageError` naming what is wrong in the file.

        >>> Sides.from_toml("no-such.toml")
        Traceback (most recent call last):
        discourse.errors.MissingData: there is no sides file 'no-such.toml'; give the path of a TOML file
        """
        data = only_keys(read_toml(path, "sides file"), ("sides", "timezone", "rule"), "the sides file")
        given = enumerate(table_list(data, "rule", "the sides file"), start=1)
        rules = tuple(_rule(table, f"rule {number}", Path(path).parent) for number, table in given)
        zones = data.get("timezone", {})
        if not isinstance(zones, Mapping):
            raise UsageError('[timezone] of the sides file must be a table; write pakistan = "Asia/Karachi"')
        return cls(word_list(data, "sides", "the sides file"), rules, dict(zones))

    def timezone(self, side: str) -> str:
        """The IANA time zone by which a side's days are counted; that of "unknown" when it has none, else UTC.

        >>> Sides(("pakistan",), (), {"pakistan": "Asia/Karachi"}).timezone("unknown")
        'UTC'
        """
        return self.timezones.get(side, self.timezones.get(UNKNOWN, "UTC"))

    def bind(self, key: Key) -> Sides:
        """The same sides with every named account as its pseudonym under `key`, the key the corpus was read with.

        >>> Sides(("pakistan",), (Rule("author", "pakistan", accounts=("x:9",)),)).bind(Key.made_up("demo")).rules
        (Rule(author pakistan),)
        """
        return replace(self, rules=tuple(rule.bind(key) for rule in self.rules))

    def assign(self, corpus: Corpus) -> Corpus:
        """The corpus with `side` and `side_basis` filled in: the first rule that says something decides.

        A post no rule speaks about has side "unknown" and basis "none". What stood in the two columns is
        replaced. Raises `UsageError` when accounts are named and no key was bound.

        >>> from discourse.schema import POSTS
        >>> Sides(("pakistan",), ()).assign(Corpus(POSTS.empty())).history[0].reason
        'nothing to decide'
        """
        decided = self._decided(corpus.posts)
        # Without counts: the history is published, and a kind of evidence may stand for few authors.
        found = decided["side_basis"].unique().sort().to_list()
        by_basis = ", ".join(basis for basis in found if basis != NO_BASIS)
        rest = "; the rest unknown" if NO_BASIS in found else ""
        reason = f"decided by {by_basis or 'nothing'}{rest}" if found else "nothing to decide"
        posts = corpus.posts.with_columns(decided["side"], decided["side_basis"])
        return corpus.replace_posts(posts, "sides", reason)

    def evidence(self, corpus: Corpus) -> pl.DataFrame:
        """How many posts and authors each kind of evidence decided, one row for each side and basis.

        Columns: side, basis, posts, authors, conflicts. `conflicts` counts the posts about which a later kind
        of evidence names another side than the one taken. An author may stand in several rows.

        >>> from discourse.schema import POSTS
        >>> Sides(("pakistan",), ()).evidence(Corpus(POSTS.empty())).columns
        ['side', 'basis', 'posts', 'authors', 'conflicts']
        """
        decided = self._decided(corpus.posts).with_columns(corpus.posts["author_id"])
        counted = decided.group_by("side", pl.col("side_basis").alias("basis")).agg(
            pl.len().cast(pl.Int64).alias("posts"),
            pl.col("author_id").n_unique().cast(pl.Int64).alias("authors"),
            pl.col("conflict").sum().cast(pl.Int64).alias("conflicts"),
        )
        return counted.sort("side", "basis")

    def _decided(self, posts: pl.DataFrame) -> pl.DataFrame:
        """Columns side, side_basis, conflict for each post, in the order of `posts`."""
        by_basis: dict[str, pl.Series] = {}
        side = pl.Series("side", [None] * posts.height, dtype=pl.String)
        basis = side.alias("side_basis")
        for rule in self.rules:
            votes = rule.votes(posts)
            taken = side.is_not_null()
            basis = basis.zip_with(taken | votes.is_null(), rule.names(posts))
            side = side.zip_with(taken, votes)
            earlier = by_basis.get(rule.basis, votes)
            by_basis[rule.basis] = earlier.zip_with(earlier.is_not_null(), votes)
        conflict = pl.Series("conflict", [False] * posts.height, dtype=pl.Boolean)
        for votes in by_basis.values():
            conflict = conflict | (votes != side).fill_null(False)
        return pl.DataFrame([side.fill_null(UNKNOWN), basis.fill_null(NO_BASIS), conflict.alias("conflict")])


def coverage(corpus: Corpus) -> pl.DataFrame:
    """How far the evidence reaches: posts, authors and share of all posts for each side and basis.

    Columns: side, basis, posts, authors, share. The row of "unknown" is the last and always there; the shares add
    up to 1, and are null in a corpus without posts. An author may stand in several rows.
    Raises `UsageError` when a post has no side yet.

    >>> from discourse.schema import POSTS
    >>> coverage(Corpus(POSTS.empty())).rows()
    [('unknown', 'none', 0, 0, None)]
    """
    posts = corpus.posts
    if posts["side"].null_count() or posts["side_basis"].null_count():
        raise UsageError("the posts have no sides yet; write corpus.with_sides(Sides.from_toml(...).bind(key)) first")
    counted = posts.group_by("side", pl.col("side_basis").alias("basis")).agg(
        pl.len().cast(pl.Int64).alias("posts"), pl.col("author_id").n_unique().cast(pl.Int64).alias("authors")
    )
    if not (counted["side"] == UNKNOWN).any():
        nobody = {"side": [UNKNOWN], "basis": [NO_BASIS], "posts": [0], "authors": [0]}
        counted = counted.vstack(pl.DataFrame(nobody, schema=counted.schema))
    share = pl.col("posts") / posts.height if posts.height else pl.lit(None, dtype=pl.Float64)
    ordered = counted.sort(pl.col("side") == UNKNOWN, "side", "basis")
    return ordered.with_columns(share.alias("share"))


def _country_basis(posts: pl.DataFrame) -> pl.Series:
    """What each country is of; "geo" where that is not said, as in tables from before it was."""
    return posts.get_column(
        "country_basis", default=pl.repeat(None, posts.height, dtype=pl.String, eager=True)
    ).fill_null("geo")


def _tag(language: str) -> str:
    return language.strip().casefold().replace("_", "-")


def _forum(name: str) -> str:
    return name.strip().casefold().removeprefix("/").removeprefix("r/")


def _known(value: str, allowed: tuple[str, ...], what: str) -> str:
    try:
        return one_of(value, allowed, what)
    except SchemaError as error:
        raise UsageError(str(error)) from None


def _check_zone(zone: Any) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise UsageError(f"{zone!r} is no time zone; write an IANA name such as 'Asia/Karachi'") from None


def _account(name: str) -> tuple[str, str]:
    platform, colon, native = name.partition(":")
    if not (platform and colon and native):
        raise UsageError(
            "an account of the sides must be written 'platform:name', as in 'x:123'; one lacks the platform"
        )
    return platform, native


def _rule(table: Mapping[str, Any], where: str, folder: Path) -> Rule:
    basis = _known(word(table, "basis", where), tuple(_KEYS), f"basis of {where}")
    only_keys(table, _KEYS[basis], f"{where} ({basis})")
    if basis == "country":
        codes = {code.upper(): side for code, side in _codes(table, basis, where).items()}
        return Rule(basis, codes=codes, trust=_trust(table, where))
    if basis == "language":
        return Rule(basis, codes=_codes(table, basis, where))
    if basis == "location":
        name = word(table, "gazetteer", where)
        return Rule(basis, gazetteer=Gazetteer.builtin() if name == "builtin" else Gazetteer.from_toml(folder / name))
    side = word(table, "side", where)
    if basis == "source":
        files = word_list(table, "files", where)
        if not files:
            raise UsageError(f'{where} (source) names no file; write files = ["pk_*.jsonl"]')
        return Rule(basis, side=side, files=files)
    if basis == "community":
        communities = word_list(table, "communities", where)
        if not communities:
            raise UsageError(f'{where} (community) names no forum; write communities = ["demo"]')
        return Rule(basis, side=side, communities=communities)
    accounts = word_list(table, "authors", where) + _authors_file(table, where, folder)
    handles = word_list(table, "handles", where)
    if not accounts and not handles:
        raise UsageError(f'{where} (author) names no account; write authors = ["x:123"]')
    return Rule(basis, side=side, accounts=accounts, handles=handles)


def _codes(table: Mapping[str, Any], basis: str, where: str) -> dict[str, str]:
    codes = table.get("codes")
    if not isinstance(codes, Mapping) or not codes or not all(isinstance(side, str) for side in codes.values()):
        example = {"country": "PK", "language": "ur"}[basis]
        raise UsageError(f'{where} ({basis}) has no codes; write codes = {{{example} = "pakistan"}}')
    return dict(codes)


def _trust(table: Mapping[str, Any], where: str) -> tuple[str, ...]:
    if "trust" not in table:
        return ("geo",)
    trust = word_list(table, "trust", where)
    if not trust:
        raise UsageError(f'{where} (country) trusts nothing; write trust = ["geo"]')
    return trust


def _authors_file(table: Mapping[str, Any], where: str, folder: Path) -> tuple[str, ...]:
    if "authors_file" not in table:
        return ()
    name = word(table, "authors_file", where)
    try:
        lines = (folder / name).read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise MissingData(f"there is no authors_file {name!r} beside the sides file; {where} names it") from None
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
