from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from discourse.errors import PrivacyError, UsageError
from discourse.plots.save import csv_bytes, save_figure
from discourse.plots.series import plot_composition
from discourse.whole import write_whole

COUNTS = {"window": ["2025-01", "2025-02"], "side": ["pakistan", "pakistan"], "lang": ["ur", "en"], "posts": [30, 10]}
SCRIPT = f"""
import hashlib, sys
from pathlib import Path
import polars as pl
from discourse.plots.series import plot_composition
from discourse.plots.save import save_figure
counts = pl.DataFrame({COUNTS!r})
for path in save_figure(plot_composition(counts), Path(sys.argv[1]) / "a", counts, title="T", description="D"):
    print(hashlib.sha256(path.read_bytes()).hexdigest())
"""


def saved(folder: Path, counts: dict[str, list[object]], title: str = "T") -> list[bytes]:
    table = pl.DataFrame(counts)
    paths = save_figure(plot_composition(table), folder / "a", table, title=title, description="D")
    return [path.read_bytes() for path in paths]


def test_the_same_figure_has_the_same_bytes_here_and_in_another_process(tmp_path):
    first, again = saved(tmp_path / "one", COUNTS), saved(tmp_path / "two", COUNTS)
    assert first == again
    script = [sys.executable, "-c", SCRIPT, str(tmp_path / "three")]
    other = subprocess.run(script, capture_output=True, text=True, check=True).stdout.split()
    assert other == [hashlib.sha256(content).hexdigest() for content in first]


def test_one_figure_saved_twice_keeps_its_bytes(tmp_path):
    table = pl.DataFrame(COUNTS)
    ax = plot_composition(table)
    made = [
        [p.read_bytes() for p in save_figure(ax, tmp_path / name, table, title="T", description="D")]
        for name in ("a", "b")
    ]
    assert made[0] == made[1]


def test_another_table_changes_every_file(tmp_path):
    other = {**COUNTS, "posts": [30, 11]}
    for one, two in zip(saved(tmp_path / "one", COUNTS), saved(tmp_path / "two", other), strict=True):
        assert one != two


def test_files_hold_title_and_no_date_or_text_elements(tmp_path):
    svg, png, pdf, _ = saved(tmp_path, COUNTS, title="Posts & <sides>\x00")
    assert b"Posts &amp; &lt;sides&gt;" in svg
    assert b"<dc:date>" not in svg
    assert b"<text" not in svg  # letters are paths
    assert b"Software" not in png
    assert b"Posts & <sides>" in png
    assert "Posts & <sides>".encode("utf-16-be") in pdf
    for word in (b"/CreationDate", b"/ModDate", b"/Producer", b"/Creator", b"matplotlib"):
        assert word not in pdf


def test_the_fonts_of_a_pdf_are_inside_it(tmp_path):
    pdf = saved(tmp_path, COUNTS)[2]
    assert pdf.count(b"/FontFile2") == pdf.count(b"/Type /FontDescriptor") >= 1
    assert b"/Subtype /Type3" not in pdf


def test_cells_and_heads_that_are_formulas_are_disarmed():
    table = pl.DataFrame({"=a": ["=1+1", "+1", "-1", "@x", "\tx", " =1", "＝1", "plain"], "share": [-0.5] * 8})
    text = csv_bytes(table).decode()
    assert text.startswith("'=a,share\n")
    back = pl.read_csv(text.encode())
    assert back["'=a"].to_list() == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "' =1", "'＝1", "plain"]
    assert back["share"].to_list() == [-0.5] * 8


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
@settings(deadline=None, max_examples=100)
def test_floats_read_back_as_they_were(values):
    lines = csv_bytes(pl.DataFrame({"x": values}, schema={"x": pl.Float64})).decode().splitlines()[1:]
    assert [float(line) for line in lines] == values


def test_rows_about_few_people_or_one_person_do_not_leave(tmp_path):
    rows = {"side": ["a", "a"], "n_authors": [9, 10], "n_posts": [77, 78], "estimate": [0.5, 0.25]}
    assert csv_bytes(pl.DataFrame(rows)).decode().splitlines()[1:] == ["a,,,", "a,10,78,0.25"]
    with pytest.raises(PrivacyError, match="'post_id'"):
        save_figure(Figure(), tmp_path / "a", pl.DataFrame({"post_id": ["x:1"]}), title="", description="")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(UsageError, match="cannot write 'taken'") as caught:
        write_whole(tmp_path / "taken", b"x")
    assert str(tmp_path) not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
