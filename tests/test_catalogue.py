from __future__ import annotations

import hashlib
import json
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from discourse.commands.catalogue import corpora
from discourse.corpus import catalogue as module
from discourse.corpus.catalogue import FORMATS_BESIDE_READERS, Card, Problem, card, catalogue, fetch, verify
from discourse.errors import BadInput, MissingData, UsageError
from discourse.readers.mapped import Mapping
from discourse.readers.values import Reason

ROOT = Path(__file__).resolve().parents[1]
# The folders of the public corpora that the catalogue was written for.
NAMES = [
    "export_fixtures", "get-out-2021", "indopak_pulwama_2019", "pk_politics_na404_2022", "pk_twitter_2022_twitteR",
    "roman_urdu_ruhsold", "ruw_russia_ukraine_stance", "rwc_retweet_networks", "urdu_script_labelled",
    "us_poliblog2008",
]  # fmt: skip
CONTENT = {"posts.csv": b"id,text\n9001,peace\n", "more/extra.csv": "id,text\n9002,امن\n".encode() * 500}
CARD = """
name = "made_up"
title = "Made up"
source = "https://example.org/made_up"
licence = "CC0"
countries = ["Nowhere"]
period = "2025-05-07 to 2025-05-08"
languages = ["en", "ur"]
format = "none"
description = "Invented posts."
pitfalls = ["Invented."]
citation = "none"
rows = { records = 501 }
"""


class Server:
    """A real HTTP server on this machine: what it serves, how it misbehaves, what it was asked for."""

    def __init__(self) -> None:
        self.content = dict(CONTENT)
        self.cut = False
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.removeprefix("/")
                outer.asked.append(name)
                if name not in outer.content:
                    self.send_error(404)
                    return
                body = outer.content[name]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if outer.cut else body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Server()
    thread = Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


def files_toml(address: str | None) -> str:
    parts = []
    for path, body in CONTENT.items():
        url = f'url = "{address}/{path}"\n' if address else ""
        parts.append(
            f'[[files]]\npath = "{path}"\nsha256 = "{hashlib.sha256(body).hexdigest()}"\nbytes = {len(body)}\n{url}'
        )
    return "\n".join(parts)


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of cards in place of the one that is shipped."""
    place = tmp_path / "cards"
    place.mkdir()
    monkeypatch.setattr(module, "_FOLDER", place)
    return place


@pytest.fixture
def online(cards: Path, server: Server) -> Server:
    (cards / "made_up.toml").write_text(CARD + files_toml(server.address))
    return server


@pytest.fixture
def offline(cards: Path, tmp_path: Path) -> Path:
    """A card without addresses, and a folder that has its files."""
    (cards / "made_up.toml").write_text(CARD + files_toml(None))
    for path, body in CONTENT.items():
        file = tmp_path / "stock" / "made_up" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    return tmp_path / "stock"


def standing(folder: Path) -> dict[str, bytes]:
    """All files below a folder, hidden and half-written ones too."""
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


WHOLE = {f"made_up/{path}": body for path, body in CONTENT.items()}


# The cards that are shipped


def test_every_public_corpus_has_a_card() -> None:
    assert [one.name for one in catalogue()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_is_needed(name: str) -> None:
    from discourse.readers.read import FORMATS

    one = card(name)
    assert one.format in {*FORMATS, *FORMATS_BESIDE_READERS}
    assert one.source.startswith("https://")
    assert one.rows.records > 0
    assert set(one.rows.reasons) <= set(Reason)
    assert all(file.url is None or file.url.startswith("https://raw.githubusercontent.com/") for file in one.files)
    # An address holds a commit, not a branch: what is behind it does not change.
    assert all(file.url is None or re.search(r"/[0-9a-f]{40}/", file.url) for file in one.files)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_holds_no_id_and_no_handle(name: str) -> None:
    text = (module._FOLDER / f"{name}.toml").read_text("utf-8")
    bare = re.sub(r'^(sha256|url|citation|source) = ".*"$', "", text, flags=re.MULTILINE)
    assert not re.search(r"\d{9,}", bare)
    assert not re.search(r"(?<!\w)@\w", bare)
    assert bare.isascii()


def test_mappings_are_read_by_the_reader_and_stand_beside_their_cards() -> None:
    mapped = {one.name: one.mapping for one in catalogue() if one.mapping is not None}
    assert list(mapped) == [
        "indopak_pulwama_2019", "pk_politics_na404_2022", "pk_twitter_2022_twitteR", "ruw_russia_ukraine_stance",
        "urdu_script_labelled",
    ]  # fmt: skip
    beside = {path.name: Mapping.from_toml(path) for path in module._FOLDER.glob("*.mapping.toml")}
    # Two files of one corpus name their columns differently: its card says which mapping is for which.
    second = "urdu_script_labelled.tweets.mapping.toml"
    assert set(beside) == {*(path.name for path in mapped.values()), second}
    assert any(second in pitfall for pitfall in card("urdu_script_labelled").pitfalls)
    assert beside["pk_politics_na404_2022.mapping.toml"].fields["author"] == "author_id"


@pytest.mark.parametrize("name", [one.name for one in catalogue() if one.mapping is not None])
def test_a_mapping_that_makes_something_up_is_spoken_of_on_the_card(name: str) -> None:
    one = card(name)
    assert one.mapping is not None
    given, said = Mapping.from_toml(one.mapping), " ".join(one.pitfalls)
    assert given.made_ids == ("no id" in said)
    assert ("author" in given.constants) == ("one author" in said)
    assert ("created_at" in given.constants) == ("no real one" in said)
    assert (given.timezone is not None) == ("an assumption" in said)


def test_the_wheel_holds_the_cards() -> None:
    from hatchling.builders.wheel import WheelBuilder

    builder = WheelBuilder(str(ROOT))
    shipped = {Path(one.distribution_path).as_posix() for one in builder.recurse_included_files()}
    wanted = {f"discourse/data/catalogue/{path.name}" for path in module._FOLDER.iterdir()}
    assert len(wanted) > len(NAMES)
    assert wanted <= shipped


# Fetching over HTTP


def test_files_are_loaded_and_are_for_their_owner_alone(online: Server, tmp_path: Path) -> None:
    places = fetch("made_up", tmp_path / "to")
    assert places == [tmp_path / "to" / path for path in WHOLE]
    assert standing(tmp_path / "to") == WHOLE
    assert online.asked == list(CONTENT)
    assert stat.S_IMODE((tmp_path / "to" / "made_up").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in places} == {0}


def test_a_second_fetch_loads_nothing(online: Server, tmp_path: Path) -> None:
    first = fetch("made_up", tmp_path / "to")
    before = [path.stat().st_mtime_ns for path in first]
    online.asked.clear()
    assert fetch("made_up", tmp_path / "to") == first
    assert online.asked == []
    assert [path.stat().st_mtime_ns for path in first] == before


def test_only_what_is_missing_or_changed_is_loaded_again(online: Server, tmp_path: Path) -> None:
    fetch("made_up", tmp_path / "to")
    online.asked.clear()
    (tmp_path / "to" / "made_up" / "posts.csv").write_bytes(b"id,text\n9001,war!!\n")
    assert len(b"id,text\n9001,war!!\n") == len(CONTENT["posts.csv"])
    fetch("made_up", tmp_path / "to")
    assert online.asked == ["posts.csv"]
    assert standing(tmp_path / "to") == WHOLE


def test_another_file_under_the_address_is_refused_and_not_kept(online: Server, tmp_path: Path) -> None:
    online.content["more/extra.csv"] = b"x" * len(CONTENT["more/extra.csv"])
    with pytest.raises(BadInput, match=r"^'more/extra.csv' of made_up that was fetched is not the file of the card"):
        fetch("made_up", tmp_path / "to")
    assert standing(tmp_path / "to") == {"made_up/posts.csv": CONTENT["posts.csv"]}


def test_a_file_that_was_there_survives_a_wrong_one(online: Server, tmp_path: Path) -> None:
    mine = tmp_path / "to" / "made_up" / "posts.csv"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    online.content["posts.csv"] = b"another"
    with pytest.raises(BadInput, match="not the file of the card"):
        fetch("made_up", tmp_path / "to")
    assert standing(tmp_path / "to") == {"made_up/posts.csv": b"mine"}


def test_a_download_that_breaks_off_leaves_nothing(online: Server, tmp_path: Path) -> None:
    online.cut = True
    with pytest.raises(BadInput, match=r"^the download of 'posts.csv' of made_up broke off"):
        fetch("made_up", tmp_path / "to")
    assert standing(tmp_path / "to") == {}
    online.cut = False
    fetch("made_up", tmp_path / "to")
    assert standing(tmp_path / "to") == WHOLE


def test_a_file_that_the_server_lacks_is_missing(online: Server, tmp_path: Path) -> None:
    del online.content["posts.csv"]
    with pytest.raises(MissingData, match=r"does not give 'posts.csv' of made_up \(404\); .*example.org/made_up"):
        fetch("made_up", tmp_path / "to")
    assert standing(tmp_path / "to") == {}


def test_a_server_that_is_not_there_is_missing(cards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    gone = Server()
    gone.http.server_close()
    (cards / "made_up.toml").write_text(CARD + files_toml(gone.address))
    with pytest.raises(MissingData, match=r"^the server of 'posts.csv' of made_up cannot be reached"):
        fetch("made_up", tmp_path / "to")


def test_nothing_is_said_on_the_way(online: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import pooch

    level = pooch.get_logger().level
    fetch("made_up", tmp_path / "to")
    assert capfd.readouterr() == ("", "")
    assert pooch.get_logger().level == level


# Fetching from a folder


def test_a_folder_stands_in_for_the_network(offline: Path, tmp_path: Path) -> None:
    assert fetch("made_up", str(tmp_path / "to"), source=str(offline)) == [tmp_path / "to" / one for one in WHOLE]
    assert standing(tmp_path / "to") == WHOLE
    assert standing(offline) == WHOLE


def test_a_folder_is_asked_even_where_there_is_an_address(online: Server, tmp_path: Path) -> None:
    (tmp_path / "stock" / "made_up").mkdir(parents=True)
    with pytest.raises(MissingData, match=r"^'posts.csv' of made_up is not in the folder to copy from"):
        fetch("made_up", tmp_path / "to", source=tmp_path / "stock")
    assert online.asked == []


@pytest.mark.parametrize("body", [b"", b"id,text\n9001,pea", b"id,text\n9001,peacf\n"], ids=["empty", "cut", "changed"])
def test_a_file_of_the_folder_is_checked_like_a_loaded_one(offline: Path, tmp_path: Path, body: bytes) -> None:
    (offline / "made_up" / "posts.csv").write_bytes(body)
    with pytest.raises(BadInput, match=r"^'posts.csv' of made_up .* not the file of the card"):
        fetch("made_up", tmp_path / "to", source=offline)
    assert standing(tmp_path / "to") == {}


def test_a_folder_without_the_corpus_is_named(offline: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"there is no folder 'made_up' in the folder to copy from"):
        fetch("made_up", tmp_path / "to", source=offline / "made_up")
    assert not (tmp_path / "to").exists()


def test_without_an_address_nothing_is_begun(offline: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"^'posts.csv' of made_up has no address .*--from FOLDER"):
        fetch("made_up", tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_without_an_address_a_corpus_that_is_whole_is_whole(offline: Path) -> None:
    assert fetch("made_up", offline) == [offline / one for one in WHOLE]


def test_a_folder_in_the_place_of_a_file_is_left_alone(offline: Path, tmp_path: Path) -> None:
    (tmp_path / "to" / "made_up" / "posts.csv" / "mine").mkdir(parents=True)
    with pytest.raises(BadInput, match="is no file where it should stand"):
        fetch("made_up", tmp_path / "to", source=offline)
    assert (tmp_path / "to" / "made_up" / "posts.csv" / "mine").is_dir()


# Verifying


def test_a_whole_copy_has_no_problem(offline: Path) -> None:
    (offline / "made_up" / "README.txt").write_text("my own notes")
    assert verify("made_up", offline) == []


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (None, "is missing"),
        (b"", "is cut: it has 0 of 19 bytes"),
        (CONTENT["posts.csv"][:-1], "is cut: it has 18 of 19 bytes"),
        (b"id,text\n9001,peacf\n", "is changed: its checksum is not that of the card"),
        (CONTENT["posts.csv"] + b"\n", "is changed: its checksum is not that of the card"),
    ],
    ids=["missing", "empty", "cut", "changed", "longer"],
)
def test_what_is_wrong_is_named(offline: Path, body: bytes | None, what: str) -> None:
    file = offline / "made_up" / "posts.csv"
    file.unlink() if body is None else file.write_bytes(body)
    todo = "type discourse corpora fetch made_up --to the same folder"
    assert verify("made_up", offline) == [Problem("posts.csv", what, todo)]


def test_a_folder_that_is_not_there_is_no_corpus_with_missing_files(offline: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="there is no folder 'gone'"):
        verify("made_up", tmp_path / "gone")
    assert [one.what for one in verify("made_up", tmp_path)] == ["is missing", "is missing"]


# Cards that are not written as they must be


@pytest.mark.parametrize("call", [lambda name: fetch(name, "."), lambda name: verify(name, "."), card],
                         ids=["fetch", "verify", "card"])  # fmt: skip
@pytest.mark.parametrize(("name", "hint"), [("ruw_russia", "Did you mean 'ruw_russia_ukraine_stance'"), ("zzz", "")])
def test_an_unknown_name_is_answered_with_all_names(call: Any, name: str, hint: str) -> None:
    with pytest.raises(MissingData) as caught:
        call(name)
    assert all(one in str(caught.value) for one in NAMES)
    assert ("Did you mean" in str(caught.value)) == bool(hint)
    assert hint in str(caught.value)


def test_a_mapping_is_no_card_and_cards_come_by_name(cards: Path) -> None:
    (cards / "made_up.toml").write_text(
        CARD.replace('"none"', '"mapping"', 1).replace(
            "501 }", "501, accepted = 501, duplicates = 0, quarantined = 0 }"
        )
        + files_toml(None)
    )
    (cards / "made_up.mapping.toml").write_text('platform = "x"')
    (cards / "a_first.toml").write_text(CARD.replace("made_up", "a_first") + files_toml(None))
    assert [(one.name, one.mapping) for one in catalogue()] == [
        ("a_first", None),
        ("made_up", cards / "made_up.mapping.toml"),
    ]


BAD = {
    "a key that is not known": ('licence = "CC0"', 'license = "CC0"', "Did you mean 'licence'"),
    "no citation": ('citation = "none"\n', "", "has no 'citation'"),
    "no pitfalls": ('pitfalls = ["Invented."]\n', "", "has no 'pitfalls'"),
    "another name": ('name = "made_up"', 'name = "made-up"', "must be that of its file"),
    "a format with posts but no counts": ('format = "none"', 'format = "rtweet"', "must say what is accepted"),
    "a mapping that is not there": ('format = "none"', 'format = "mapping"', "'made_up.mapping.toml' must stand"),
    "no records": ("{ records = 501 }", "{ accepted = 1 }", "needs records"),
    "half of the counts": ("501 }", "501, accepted = 501 }", "all three or none"),
    "counts for no posts": ("501 }", "501, accepted = 501, duplicates = 0, quarantined = 0 }", "must not"),
    "a sum that is wrong": ("501 }", "501, accepted = 500, duplicates = 0, quarantined = 0 }", "does not add up"),
    "reasons that are wrong": ("501 }", "501, reasons = { bad_id = 1 } }", "do not add up"),
    "reasons that are no table": ("501 }", "501, reasons = 1 }", "must be a table"),
    "a count that is no number": ("501", "true", "must be a whole number"),
    "a path that leaves": ('"posts.csv"', '"../posts.csv"', "must lie inside the corpus"),
    "a path from the root": ('"posts.csv"', '"/posts.csv"', "must lie inside the corpus"),
    "a path twice": ('"posts.csv"', '"more/extra.csv"', "names a file twice"),
    "a checksum in capitals": ('sha256 = "', 'sha256 = "A', "64 hex digits"),
    "a size in quotes": ("bytes = 19", 'bytes = "19"', "must be the size of the file"),
    "an address of another kind": ("bytes = 19", 'bytes = 19\nurl = "ftp://example.org/posts.csv"', "must begin with"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_card_that_is_not_written_as_it_must_be_is_refused(cards: Path, case: str) -> None:
    old, new, words = BAD[case]
    whole = CARD + files_toml(None)
    assert old in whole
    (cards / "made_up.toml").write_text(whole)
    assert [one.rows.records for one in catalogue()] == [501]
    (cards / "made_up.toml").write_text(whole.replace(old, new, 1))
    with pytest.raises(UsageError, match=re.escape(words)):
        catalogue()


# The commands


def typed(*words: str) -> Result:
    return CliRunner().invoke(corpora, list(words), standalone_mode=False)


def test_list_shows_name_rows_licence_and_way() -> None:
    said = typed("list").output
    assert "get-out-2021: A hashtag campaign of Afghan and Pakistani users, February 2021" in said
    assert "import with --format rtweet: 17,360 posts, 0 set aside" in said
    assert "no posts: it cannot be imported, see its card" in said
    assert said.count("licence: ") == len(NAMES)


def test_list_as_json_holds_the_whole_cards() -> None:
    told = json.loads(typed("list", "--json").output)["corpora"]
    assert [one["name"] for one in told] == NAMES
    assert set(told[0]) == set(Card.__dataclass_fields__)
    assert told[1]["rows"]["records"] == 17_360
    assert told[1]["files"][0]["bytes"] == 842_139


def test_fetch_says_where_the_files_are_and_whose_they_are(online: Server, tmp_path: Path) -> None:
    done = typed("fetch", "made_up", "--to", str(tmp_path))
    assert done.output.splitlines() == [
        *(str(tmp_path / path) for path in WHOLE),
        "licence: CC0",
        "no posts: it cannot be imported, see its card",
    ]
    told = json.loads(typed("fetch", "made_up", "--to", str(tmp_path), "--json").output)
    assert told == {
        "name": "made_up", "licence": "CC0", "format": "none", "mapping": None,
        "files": [str(tmp_path / path) for path in WHOLE],
    }  # fmt: skip


def test_fetch_copies_from_a_folder(offline: Path, tmp_path: Path) -> None:
    typed("fetch", "made_up", "--to", str(tmp_path / "to"), "--from", str(offline))
    assert standing(tmp_path / "to") == WHOLE


@pytest.mark.parametrize(
    ("spoil", "code"), [(None, 0), ("posts.csv", 4), ("more/extra.csv", 4)], ids=["whole", "first", "last"]
)
def test_verify_says_what_is_wrong_with_its_exit_code(offline: Path, spoil: str | None, code: int) -> None:
    if spoil:
        (offline / "made_up" / spoil).unlink()
    done = typed("verify", "made_up", "--in", str(offline), "--json")
    told = json.loads(done.output)
    # Without click's own way to end, its exit code is what the call returns.
    assert (done.return_value or 0) == code
    assert (told["name"], told["files"]) == ("made_up", 2)
    assert [one["file"] for one in told["problems"]] == ([spoil] if spoil else [])
    lines = typed("verify", "made_up", "--in", str(offline)).output.splitlines()
    assert lines[-1] == ("2 files: 1 not as the card says" if spoil else "2 files: sound")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("fetch", "no-such", "--to", "."), MissingData),
        (("verify", "no-such", "--in", "."), MissingData),
        (("fetch", "get-out-2021", "--to", "."), MissingData),
    ],
    ids=["fetch", "verify", "no address"],
)
def test_what_cannot_be_is_an_error_of_the_package(
    words: tuple[str, ...], kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(typed(*words).exception, kind)
    assert list(tmp_path.iterdir()) == []


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, discourse.commands.catalogue\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pooch", "requests", "polars", "discourse.corpus.catalogue"} & set(done.stdout.split())
