"""Imports in any order, cut in any way, by any number of processes give one corpus; what cannot be is refused whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import stat
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key
from discourse.errors import BadInput, PrivacyError, UsageError
from discourse.readers import account, read
from discourse.readers.files import zstd
from discourse.readers.formats import Options
from discourse.readers.mapped import Mapping as Columns
from discourse.readers.records import Draft, Item, Withdrawal
from discourse.readers.values import Reason
from discourse.store import disk, importing, spool
from discourse.store.checking import gc, verify
from discourse.store.forgetting import forget
from discourse.store.importing import Imported, import_posts
from discourse.store.manifest import latest, read_manifest
from discourse.store.reading import digest_of, history_of, read_corpus

pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning")
KEY = Key.made_up("import")
MAY = "2025-05-07T10:00:00Z"
ROOT = Path(__file__).resolve().parents[1]
Record = dict[str, Any]


def made_drafts(record: Mapping[str, Any]) -> Iterator[Item]:
    """A format of this test alone, that can say all that a reader can."""
    for one in record["made"]:
        if "gone" in one:
            yield Withdrawal("x", one["gone"], one.get("of", "post"))
        elif "bad" in one:
            yield Reason.API_ERROR
        else:
            fixed = {"platform": "x", "created_at": MAY, "author": "42", "text": "peace"}
            yield Draft(**{**fixed, **one})


@pytest.fixture(autouse=True)
def made_format(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(looks_like=lambda record: "made" in record, drafts=made_drafts)
    monkeypatch.setitem(read._RECORDS, "made", module)


def line(*items: Record) -> str:
    return json.dumps({"made": items})


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
    return path


def tweet(number: int, text: str = "peace", **more: object) -> str:
    fixed = {"author_id": str(number % 7 + 1), "created_at": MAY}
    return json.dumps({"id": str(9000 + number), "text": f"{text} {number}", **fixed, **more})


def adds_up(corpus: Path) -> None:
    """Every row that was read is accepted, a duplicate or set aside, and those set aside are all there."""
    whole = read_corpus(corpus)
    for row in whole.files.iter_rows(named=True):
        assert row["read"] == row["accepted"] + row["duplicates"] + row["quarantined"], row
        assert min(row[name] for name in ("accepted", "duplicates", "quarantined", "edits", "deleted")) >= 0
    assert whole.quarantine.height == whole.files["quarantined"].sum()
    assert verify(corpus).problems == ()


def posts_of(corpus: Path) -> pl.DataFrame:
    return read_corpus(corpus).posts.drop("source_file", "source_line").sort("post_id")


EDITS = st.sampled_from([None, None, "2025-05-08T00:00:00Z", "2025-05-09T00:00:00Z"])
NUMBERS = st.integers(9001, 9005).map(str)
POSTS = st.fixed_dictionaries(
    {"id": NUMBERS, "author": st.sampled_from(["42", "43"]), "text": st.sampled_from(["peace", "peace!", "امن"])},
    optional={
        "likes": st.none() | st.integers(0, 2),
        "edited_at": EDITS,
        "collected_at": EDITS,
        "version_of": st.sampled_from([None, "9001"]),
        "handle": st.sampled_from([None, "demo_one"]),
        "lang": st.sampled_from([None, "ur"]),
    },
)
REPOSTS = st.fixed_dictionaries(
    {"id": st.integers(9101, 9103).map(str), "parent": NUMBERS, "kind": st.sampled_from(["repost", "reply"])},
    optional={"likes": st.integers(0, 1), "author": st.sampled_from(["44", "42"])},
)
# A record of one post names one original, as those of platforms do.
REPOSTS = REPOSTS.map(
    lambda one: {**one, "parent": str(9001 + int(one["id"]) % 3), "kind": ["repost", "reply"][int(one["id"]) % 2]}
)
NOTICES = st.builds(lambda one: {"gone": one}, NUMBERS) | st.just({"gone": "43", "of": "author"})
ITEMS = st.one_of(POSTS, POSTS, POSTS, REPOSTS, NOTICES, st.just({"bad": 1}))
LINES = st.lists(st.lists(ITEMS, min_size=1, max_size=3), min_size=1, max_size=12)
QUICK = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))


@QUICK
@given(LINES, st.data())
def test_files_in_any_order_and_grouping_give_one_corpus(lines: list[list[Record]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cuts = data.draw(st.lists(st.integers(0, 3), min_size=len(lines), max_size=len(lines)))
        files = {
            cut: written(
                folder / f"{cut}.jsonl", *(line(*one) for one, own in zip(lines, cuts, strict=True) if own == cut)
            )
            for cut in sorted(set(cuts))
        }
        import_posts(list(files.values()), folder / "whole", key=KEY)
        adds_up(folder / "whole")
        for cut in data.draw(st.permutations(sorted(files))):
            import_posts(files[cut], folder / "singly", key=KEY)
            adds_up(folder / "singly")
        assert digest_of(folder / "singly") == digest_of(folder / "whole")
        assert read_corpus(folder / "singly").posts.equals(read_corpus(folder / "whole").posts)
        assert read.read_posts(list(files.values()), key=KEY).posts.equals(read_corpus(folder / "whole").posts)


@QUICK
@given(LINES, st.data())
def test_lines_cut_packed_and_spooled_in_any_way_give_one_digest(
    lines: list[list[Record]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        items = [one for several in lines for one in several]
        import_posts(written(folder / "whole.jsonl", *(line(*one) for one in lines)), folder / "whole", key=KEY)
        order = data.draw(st.permutations(range(len(items))))
        files = []
        for number in range(parts := data.draw(st.integers(1, 4))):
            text = "".join(f"{line(items[one])}\n" for one in order[number::parts])
            if text:
                pack = [bytes, gzip.compress, zstd.compress][data.draw(st.integers(0, 2))]
                (folder / f"{number}.jsonl").write_bytes(pack(text.encode()))
                files.append(folder / f"{number}.jsonl")
        patch.setattr(account, "_BATCH", data.draw(st.sampled_from([1, 2, 20_000])))
        patch.setattr(spool, "PARTS", data.draw(st.sampled_from([1, 4, 256])))
        limit = data.draw(st.sampled_from([0, 1, 3, 100_000]))
        patch.setattr(importing, "Spool", lambda folder: spool.Spool(folder, limit))
        patch.setattr(importing, "AsideSpool", lambda folder: spool.AsideSpool(folder, limit))
        import_posts(files, folder / "parts", key=KEY)
        adds_up(folder / "parts")
        assert digest_of(folder / "parts") == digest_of(folder / "whole")
        assert set(read_corpus(folder / "parts").posts["post_id"]) == set(
            read_corpus(folder / "whole").posts["post_id"]
        )
        assert read_corpus(folder / "parts").files["read"].sum() == len(items)


@QUICK
@given(
    LINES,
    st.integers(0, 12),
    st.sampled_from([{"posts": ["x:9001"]}, {"authors": ["x:43"]}, {"authors": ["x:@demo_one"]}]),
)
def test_it_is_the_same_whenever_something_is_forgotten(lines: list[list[Record]], when: int, what: Any) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        # A handle is the person's: all of their records carry it here, so that no order can tell more than another.
        for one in (item for several in lines for item in several if "author" in item):
            one["handle"] = "demo_one" if one["author"] == "42" else None
        start = written(folder / "start.jsonl", line({"id": "9999", "author": "7"}))
        early = written(folder / "early.jsonl", *(line(*one) for one in lines[:when]), line({"bad": 1}))
        late = written(folder / "late.jsonl", *(line(*one) for one in lines[when:]), line({"bad": 1}))
        for name, order in {
            "first": [what, early, late],
            "between": [early, what, late],
            "last": [early, late, what],
        }.items():
            import_posts(start, folder / name, key=KEY)
            for step in order:
                forget(folder / name, key=KEY, **step) if step is what else import_posts(step, folder / name, key=KEY)
            adds_up(folder / name)
        assert digest_of(folder / "first") == digest_of(folder / "between") == digest_of(folder / "last")
        assert posts_of(folder / "first").equals(posts_of(folder / "between"))
        assert posts_of(folder / "first").equals(posts_of(folder / "last"))


@pytest.fixture(scope="module")
def shares(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("shares")
    notice = json.dumps({"delete": {"status": {"id": "9003", "id_str": "9003", "user_id_str": "4"}}})
    return [
        written(folder / f"{share}.jsonl", *(tweet(one) for one in range(20 * share, 20 * share + 30)), '{"id"', notice)
        for share in range(5)
    ]


@pytest.fixture(scope="module")
def alone(shares: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Imported]:
    corpus = tmp_path_factory.mktemp("alone") / "corpus"
    return corpus, import_posts(shares, corpus, key=KEY)


@pytest.mark.parametrize("jobs", [2, 4])
def test_the_number_of_processes_changes_nothing(
    shares: list[Path], alone: tuple[Path, Imported], jobs: int, tmp_path: Path
) -> None:
    corpus, done = alone
    again = import_posts(shares, tmp_path / "c", key=KEY, jobs=jobs)
    assert again.inputs == done.inputs
    assert sum(one.read for one in again.inputs) == 5 * 32
    assert again.quarantined.sort("source_file").equals(done.quarantined.sort("source_file"))
    assert digest_of(tmp_path / "c") == digest_of(corpus)
    assert read_corpus(tmp_path / "c").posts.equals(read_corpus(corpus).posts)
    adds_up(tmp_path / "c")


def test_a_listed_input_and_what_it_set_aside_change_nothing(shares: list[Path], tmp_path: Path) -> None:
    first = import_posts(shares[0], tmp_path / "c", key=KEY)
    before = sorted(path.name for path in (tmp_path / "c").rglob("*"))
    again = import_posts(shares[0], tmp_path / "c", key=KEY)
    assert (first.generation, again.generation) == (1, 1)
    assert (again.inputs[0].accepted, again.inputs[0].duplicates, again.inputs[0].quarantined) == (0, 31, 1)
    assert sorted(path.name for path in (tmp_path / "c").rglob("*")) == before
    adds_up(tmp_path / "c")


def test_the_same_bytes_under_another_name_are_duplicates(shares: list[Path], tmp_path: Path) -> None:
    import_posts(shares[0], tmp_path / "c", key=KEY)
    before = digest_of(tmp_path / "c")
    (tmp_path / "other.jsonl").write_bytes(shares[0].read_bytes())
    done = import_posts(tmp_path / "other.jsonl", tmp_path / "c", key=KEY)
    assert (done.inputs[0].accepted, done.inputs[0].duplicates, done.inputs[0].quarantined) == (0, 31, 1)
    assert digest_of(tmp_path / "c") == before
    adds_up(tmp_path / "c")


def test_two_files_of_one_name_are_two_inputs(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        import_posts(written(tmp_path / str(number) / "a.jsonl", tweet(number)), tmp_path / "c", key=KEY)
    assert len(read_corpus(tmp_path / "c")) == 2
    assert read_corpus(tmp_path / "c").files["file"].str.starts_with("a.jsonl#").to_list() == [True, True]


def test_a_refused_file_refuses_all_and_changes_nothing(shares: list[Path], tmp_path: Path) -> None:
    import_posts(shares[0], tmp_path / "c", key=KEY)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "c/data").iterdir())
    (tmp_path / "bad.jsonl").write_bytes(b"")
    done = import_posts([shares[1], tmp_path / "bad.jsonl"], tmp_path / "c", key=KEY)
    assert list(done.refused) == ["bad.jsonl"]
    assert [one.accepted for one in done.inputs] == [0, 0]
    assert done.generation == 1
    assert sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "c/data").iterdir()) == before
    assert verify(tmp_path / "c").leftovers == ()


def test_the_newest_edit_stands_whichever_came_first(tmp_path: Path) -> None:
    first, second, third = (
        written(tmp_path / f"{name}.jsonl", line({"id": "9001", "text": text, "edited_at": when}))
        for name, text, when in [
            ("c", "one", None),
            ("b", "two", "2025-05-08T00:00:00Z"),
            ("a", "three", "2025-05-09T00:00:00Z"),
        ]
    )
    for order in ([third, first, second], [second, third, first]):
        corpus = tmp_path / order[0].stem / "corpus"
        edits = [import_posts(file, corpus, key=KEY).inputs[0].edits for file in order]
        assert edits == [0, 1, 1]
        assert read_corpus(corpus).posts["text"].to_list() == ["three"]
        assert history_of(corpus).select("text", "stands").rows() == [("one", False), ("two", False), ("three", True)]


def test_of_two_that_contradict_each_other_the_least_file_stands_whichever_came_first(tmp_path: Path) -> None:
    one = written(tmp_path / "a.jsonl", line({"id": "9001", "text": "peace"}))
    other = written(tmp_path / "b.jsonl", line({"id": "9001", "text": "war"}))
    for name, order in {"ab": [one, other], "ba": [other, one]}.items():
        done = [import_posts(file, tmp_path / name, key=KEY).inputs[0] for file in order]
        assert [(each.accepted, each.quarantined) for each in done] == [(1, 0), (0, 1)]
        assert read_corpus(tmp_path / name).posts["text"].to_list() == ["peace"]
        adds_up(tmp_path / name)


def test_a_corpus_of_another_key_is_refused_before_a_row_is_read(shares: list[Path], tmp_path: Path) -> None:
    import_posts(shares[0], tmp_path / "c", key=KEY)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "c").rglob("*"))
    for work in (import_posts, lambda *given, key: forget(given[1], posts=["x:9001"], key=key)):
        with pytest.raises(PrivacyError, match=r"^the corpus was made with another key, .* DISCOURSE_KEY_FILE"):
            work(shares[1], tmp_path / "c", key=Key.made_up("other"))
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "c").rglob("*")}
    assert sorted(after) == sorted(name for name, _ in before)


@pytest.mark.parametrize("inside", ["notes.txt", "data/rows.csv", "manifests/pod.yaml", "data/x/y.csv"])
def test_a_folder_with_other_things_is_refused(shares: list[Path], tmp_path: Path, inside: str) -> None:
    """A folder `data` is common: were it taken, `gc` would clear it away."""
    (tmp_path / "c" / inside).parent.mkdir(parents=True)
    (tmp_path / "c" / inside).write_text("x")
    if inside.startswith("manifests"):
        (tmp_path / "c/notes.txt").write_text("x")
    with pytest.raises(UsageError, match=r"^the folder 'c' holds other things; name a new one for the corpus$"):
        import_posts(shares[0], tmp_path / "c", key=KEY)
    assert (tmp_path / "c" / inside).read_text() == "x"
    (tmp_path / "f").write_text("x")
    with pytest.raises(UsageError, match=r"^'f' is a file; name a folder for the corpus$"):
        import_posts(shares[0], tmp_path / "f", key=KEY)


def test_what_a_crash_leaves_before_the_first_generation_is_taken_up(shares: list[Path], tmp_path: Path) -> None:
    for name in ("data", "staging", "manifests"):
        (tmp_path / "c" / name).mkdir(parents=True)
    (tmp_path / "c/data/left.parquet").write_bytes(b"left")
    assert import_posts(shares[0], tmp_path / "c", key=KEY).generation == 1
    gc(tmp_path / "c")
    assert verify(tmp_path / "c").leftovers == ()


@pytest.mark.parametrize("indent", [1, None])
def test_a_newer_layout_asks_for_a_newer_version(shares: list[Path], tmp_path: Path, indent: int | None) -> None:
    import_posts(shares[0], tmp_path / "c", key=KEY)
    newest = tmp_path / "c/manifests/00000001.json"
    body = {**json.loads(newest.read_bytes())["manifest"], "layout": 2, "more": ["امن"]}
    plain = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    whole = {"manifest": body, "sha256": hashlib.sha256(plain.encode()).hexdigest()}
    newest.write_text(json.dumps(whole, ensure_ascii=False, indent=indent), encoding="utf-8")
    before = sorted(path.name for path in (tmp_path / "c").rglob("*"))
    said = r"^the corpus was written by a newer discourse \(layout 2\); install that version$"
    for work in (
        lambda: import_posts(shares[1], tmp_path / "c", key=KEY),
        lambda: forget(tmp_path / "c", posts=["x:9001"], key=KEY),
        lambda: read_corpus(tmp_path / "c"),
        lambda: gc(tmp_path / "c"),
    ):
        with pytest.raises(BadInput, match=said):
            work()
    assert sorted(path.name for path in (tmp_path / "c").rglob("*")) == before
    with pytest.raises(BadInput, match=said):
        read_manifest(newest)


def test_only_the_owner_can_read_anything(shares: list[Path], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        import_posts(shares, tmp_path / "c", key=KEY)
        forget(tmp_path / "c", posts=["x:9005"], key=KEY)
    finally:
        os.umask(before)
    places = [tmp_path / "c", *(tmp_path / "c").rglob("*")]
    assert len(places) > 6
    for path in places:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path.name


def test_a_file_that_changes_while_it_is_read_is_refused(
    shares: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "a.jsonl", tweet(1))
    plain = disk.hash_of

    def hashed(path: Path) -> str:
        found = plain(path)
        if path == file:
            with path.open("a") as more:
                more.write(tweet(2) + "\n")
        return found

    monkeypatch.setattr(disk, "hash_of", hashed)
    done = import_posts(file, tmp_path / "c", key=KEY)
    assert str(done.refused["a.jsonl"]) == "'a.jsonl' was changed while it was read; import it when it is finished"


FULL = """
import os, sys
from pathlib import Path
from discourse.corpus.privacy import Key
from discourse.errors import BadInput
from discourse.store import importing, spool
from discourse.store.importing import import_posts
from discourse.store.requeue import requeue
place, limit, *files = sys.argv[1:]
importing.Spool = lambda folder: spool.Spool(folder, int(limit))
importing.AsideSpool = lambda folder: spool.AsideSpool(folder, int(limit))
try:
    done = import_posts(files, place, key=Key.made_up("import"))
    print("refused", {name: str(error) for name, error in done.refused.items()})
except BadInput as error:
    print(error)
"""


def mounted(folder: Path, size: str) -> bool:
    folder.mkdir()
    if os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("limit", [100_000, 500, 0])
def test_a_full_disk_is_said_and_the_corpus_is_as_it_was(tmp_path: Path, limit: int) -> None:
    if not mounted(tmp_path / "small", "4m"):
        pytest.skip("no small disk can be mounted here")
    try:
        corpus = tmp_path / "small/c"
        small = written(tmp_path / "small.jsonl", *(tweet(one) for one in range(50)), '{"half')
        import_posts(small, corpus, key=KEY)
        before = digest_of(corpus)
        noise = [random.Random(one).randbytes(700).hex() for one in range(14_000)]
        kinds = {
            "rows": [tweet(1000 + one, text) for one, text in enumerate(noise)],
            "aside": [f'{{"id": {text}' for text in noise],
        }
        for name, lines in kinds.items():
            big = written(tmp_path / f"{name}.jsonl", tweet(1), *lines)
            told = subprocess.run(
                [sys.executable, "-c", FULL, str(corpus), str(limit), str(big), str(small)],
                capture_output=True, text=True, check=False, cwd=ROOT,
            )  # fmt: skip
            assert told.returncode == 0, told.stderr[-1500:]
            assert told.stdout.startswith("the disk is full: "), (name, told.stdout[:300])
            assert told.stdout.endswith("the corpus is as it was. Make room and give the same command again\n")
            assert digest_of(corpus) == before
            assert verify(corpus).problems == ()
            gc(corpus)
            assert verify(corpus).leftovers == ()
    finally:
        subprocess.run(["umount", "-l", str(tmp_path / "small")], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_corpus_that_can_only_be_read_gives_a_sentence(shares: list[Path], tmp_path: Path) -> None:
    import_posts(shares[0], tmp_path / "c", key=KEY)
    for path in (tmp_path / "c/staging", tmp_path / "c"):
        path.chmod(0o500)
    try:
        with pytest.raises(BadInput, match=r"^'the folder c' could not be written \(Permission denied\); "):
            import_posts(shares[1], tmp_path / "c", key=KEY)
        assert len(read_corpus(tmp_path / "c")) == 29
        assert verify(tmp_path / "c").problems == ()
    finally:
        for path in (tmp_path / "c", tmp_path / "c/staging"):
            path.chmod(0o700)


def test_no_error_or_warning_quotes_a_row(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", tweet(1, "canary"), '{"id": "9777", "text": "canary', tweet(1, "canary"))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        done = import_posts(file, tmp_path / "c", key=KEY)
        part = latest(tmp_path / "c").of("posts")[0]
        (tmp_path / "c/data" / part.name).write_bytes(b"PAR1 canary 9001")
        said = [str(one.what) for one in verify(tmp_path / "c").problems]
        for work in (read_corpus, digest_of, history_of):
            with pytest.raises(BadInput) as caught:
                work(tmp_path / "c")
            said.append(str(caught.value))
    said += [repr(done), repr(done.to_json()), *(str(one.message) for one in heard)]
    assert not [one for one in said if "canary" in one or "9001" in one or "9777" in one]


def test_options_are_kept_with_what_was_set_aside(tmp_path: Path) -> None:
    import_posts(written(tmp_path / "a.jsonl", tweet(1), "{"), tmp_path / "c", key=KEY, options=Options("Asia/Karachi"))
    (part,) = latest(tmp_path / "c").of("quarantine")
    how = pl.read_parquet(tmp_path / "c/data" / part.name)["how"].to_list()
    assert [json.loads(one) for one in how] == [{"format": "x_api", "timezone": "Asia/Karachi"}]


def test_a_file_read_in_another_way_is_another_input_with_an_account_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,who,at,text\n9001,42,2025-05-07 10:00:00,peace\n", encoding="utf-8")
    fields = {"id": "id", "author": "who", "created_at": "at", "text": "text"}
    accounts = []
    for zone in (None, "Asia/Kabul", "Asia/Kabul"):
        done = import_posts(tmp_path / "a.csv", tmp_path / "c", key=KEY, mapping=Columns("forum", fields, zone))
        (one,) = done.inputs
        accounts.append((one.accepted, one.duplicates, one.quarantined, done.generation))
    assert accounts == [(0, 0, 1, 1), (1, 0, 0, 2), (0, 1, 0, 2)]
    files = read_corpus(tmp_path / "c").files
    assert files["file"].n_unique() == 2
    assert files.select("accepted", "quarantined").sort("accepted").rows() == [(0, 1), (1, 0)]
