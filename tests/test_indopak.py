"""The 100 users of Pulwama and Balakot, coded by hand by Tyagi and others (2020): what their files say about them.

Known before, by others: how often the paper's method is right (.57 stance, .74 country) and what it confuses; the
coders' raw agreement and kappas; that the first set's coders are one. No text and no id is in this file.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import polars as pl
import pytest

from conftest import ROOT, shared_file
from discourse.errors import SmallSampleWarning
from discourse.judging.scores import confusion_scores
from discourse.labels.agreement import agreement, agreement_table
from discourse.labels.codebook import Codebook, Value, Variable
from discourse.labels.disagreement import coder_confusion, disagreements
from discourse.labels.labels import SAMPLE, Labels
from discourse.schema import LABELS

NAME = "indopak_pulwama_2019"
VALUES = {"stance": ("pro_war", "anti_war", "neutral"), "country": ("pro_india", "pro_pakistan", "neutral")}
BOOK = Codebook(
    "pulwama", 1,
    tuple(Variable(name, "nominal", tuple(Value(v, v) for v in values)) for name, values in VALUES.items()),
)  # fmt: skip
# The README of the data: rows are what the paper's method says, columns the agreed label, in the order of VALUES.
PUBLISHED = {
    "stance": [[21, 0, 6], [24, 31, 10], [2, 1, 5]],
    "country": [[45, 1, 3], [10, 24, 0], [10, 2, 5]],
}
GOLD = {"stance": (47, 32, 21), "country": (65, 27, 8)}


def codes(variable: str, sets: tuple[int, ...] = (1, 2)) -> Labels:
    """Two coders, the paper's method, and what was agreed, as the paper counts them: what is no side is neutral."""
    columns = {f"{variable}_anno1": "one", f"{variable}_anno2": "two", f"predicted_{variable}": "method",
               f"{variable}_gold": "agreed"}  # fmt: skip
    rows = []
    for part in sets:
        read = pl.read_csv(shared_file(NAME, f"annotations_set{part}.csv"), columns=list(columns), infer_schema=False)
        for column, coder in columns.items():
            said = read[column].str.strip_chars().str.to_lowercase()
            rows += [
                {"post_id": f"x:{part}-{place:02}", "coder": coder, "variable": variable,
                 "value": value if value in VALUES[variable] else "neutral"}
                for place, value in enumerate(said)
            ]  # fmt: skip
    table = LABELS.frame(rows)
    return Labels(table, SAMPLE.frame(table.select("post_id").unique()), BOOK)


def people(labels: Labels) -> Labels:
    """Without the method, which is no coder."""
    return Labels(labels.table.filter(pl.col("coder") != "method"), labels.sample, BOOK)


def square(confusion: pl.DataFrame, one: str, other: str, variable: str) -> list[list[int]]:
    """Counts of one pair of coders: a row for each value of the first."""
    pair = confusion.filter(coder_a=one, coder_b=other)
    k = len(VALUES[variable])
    assert pair.select("value_a", "value_b").rows() == [(a, b) for a in VALUES[variable] for b in VALUES[variable]]
    found: list[list[int]] = pair["n"].to_numpy().reshape(k, k).tolist()
    return found


@pytest.mark.parametrize("variable", ["stance", "country"])
def test_what_the_method_of_the_paper_confuses_is_as_published(variable: str) -> None:
    confusion = coder_confusion(codes(variable), variable, adjudicated=True)
    true_by_said = square(confusion, "agreed", "method", variable)
    assert np.transpose(true_by_said).tolist() == PUBLISHED[variable]
    assert tuple(map(sum, true_by_said)) == GOLD[variable]


@pytest.mark.parametrize(("variable", "accuracy"), [("stance", 0.57), ("country", 0.74)])
def test_the_method_of_the_paper_is_right_as_often_as_published(variable: str, accuracy: float) -> None:
    confusion = coder_confusion(codes(variable), variable, adjudicated=True)
    matrix = np.array(square(confusion, "agreed", "method", variable), dtype=np.float64)
    scores = confusion_scores(matrix)
    assert float(scores["accuracy"]) == accuracy
    # Macro-F1 by hand from the published counts: 2 hits / (row + column), meaned over the three classes.
    said = np.array(PUBLISHED[variable])
    by_hand = [2 * said[at, at] / (said[at].sum() + said[:, at].sum()) for at in range(3)]
    assert float(scores["macro_f1"]) == pytest.approx(sum(by_hand) / 3, abs=1e-12)


@pytest.mark.parametrize(("variable", "percent", "kappa"), [("stance", 87.0, 0.799), ("country", 94.0, 0.882)])
def test_the_coders_agree_as_counted_before(variable: str, percent: float, kappa: float) -> None:
    labels = people(codes(variable))
    table = agreement_table(labels, variable, seed=7, replicates=50)
    found = dict(table.filter(pl.col("class") == "all").select("statistic", "estimate").rows())
    assert found["percent"] == pytest.approx(percent, abs=1e-9)
    assert round(found["cohen_kappa"], 3) == kappa
    assert table["n_units"][0] == 100
    counts = np.array(square(coder_confusion(labels, variable), "one", "two", variable))
    assert (counts.sum(), np.trace(counts)) == (100, percent)
    assert disagreements(Labels(labels.table.filter(pl.col("coder") != "agreed"), labels.sample, BOOK), variable).height
    # All on which coders differ was agreed upon afterwards.
    assert disagreements(labels, variable).is_empty()


def test_the_second_set_has_an_alpha_of_604() -> None:
    row = agreement(people(codes("stance", (2,))), "stance", seed=7, replicates=2000).row(0, named=True)
    assert round(row["alpha"], 3) == 0.604
    assert row["low"] == pytest.approx(0.41, abs=0.02)
    assert row["high"] == pytest.approx(0.79, abs=0.02)
    assert row["n_units"] == 50


@pytest.mark.parametrize("variable", ["stance", "country"])
def test_the_first_set_is_one_coder_twice(variable: str) -> None:
    with pytest.warns(SmallSampleWarning, match="two coders gave the same value to each of 50 posts; make sure"):
        agreement(people(codes(variable, (1,))), variable, seed=7, replicates=20)
    both = people(codes(variable))
    by = both.sample.select("post_id", pl.col("post_id").str.slice(2, 1).alias("set"))
    with pytest.warns(SmallSampleWarning, match="to each of 50 posts of group '1', but differ on"):
        agreement(both, variable, seed=7, replicates=20, by=by)


def test_the_labels_are_as_many_as_the_card_says() -> None:
    gold = {"stance": {"pro_war": 47, "anti_war": 32, "neutral": 17, "cant_say": 4},
            "country": {"pro_india": 65, "pro_pakistan": 27, "neutral": 6, "cant_say": 2}}  # fmt: skip
    for variable, expected in gold.items():
        found: Counter[str] = Counter()
        for part in (1, 2):
            found.update(pl.read_csv(shared_file(NAME, f"annotations_set{part}.csv"), infer_schema=False)[
                f"{variable}_gold"])  # fmt: skip
        assert found == expected


def test_the_page_of_evidence_names_the_numbers_of_the_files() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text("utf-8")
    for number in ("0.57", "0.74", "0.799", "0.882", "0.604", "87 %", "94 %"):
        assert number in page, number
    for variable, counts in PUBLISHED.items():
        rows = [f"| {' | '.join(map(str, row))} |" for row in counts]
        for row in rows:
            assert re.search(re.escape(row), page), (variable, row)
