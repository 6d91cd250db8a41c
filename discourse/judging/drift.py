"""Drift: has what is posted changed, or what the classifier makes of it, or how it errs? And what to do about it.

Authors are the unit of every test (`judging.wald`): a test that counts posts as independent sounds the alarm over
nothing most of the time, since people go on talking as they do. Changes of the posts and of the scores say nothing
about changes of the errors; only gold of both windows does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from discourse.framing.classifier import FramingClassifier
from discourse.judging.advice import ALARM, RULES, Advice, advise, missing_labels, state_of_errors
from discourse.judging.pair import Pair
from discourse.judging.shift import MIXES, TESTS, Finding, shift_findings
from discourse.judging.stability import CALIBRATION, ERRORS, calibration_findings, error_findings, read_gold
from discourse.judging.wald import holm

__all__ = ["FAMILIES", "Drift", "drift"]

FAMILIES: Final = ("population", "scores", "errors", "calibration")
_INPUTS: Final = {"input": pl.String, "what": pl.String, "value": pl.Float64}


@dataclass(frozen=True, repr=False, eq=False)
class Drift:
    """What changed between two windows of classified posts, and what to do about it. Holds no ids and no texts.

    `tests` has a row a test: family, name and size of the effect, stability index with its mean under no change,
    statistic, degrees of freedom, p, p adjusted within the family (Holm), alarm, posts and authors of both windows,
    and a note where there is no test. `mixes` holds the shares and means behind them with intervals of their
    differences, `errors` precision and recall of each class, `calibration` nll, ece and the temperature that fresh
    gold asks for. `missing` says how many more gold labels of which posts are needed, `inputs` what the
    recommendation (`advice`) rests on; `weight` whether authors or posts count alike.

    >>> empty = pl.DataFrame(schema={"more": pl.Int64})
    >>> Drift(Advice(6, *("keep", RULES[5].reason)), pl.DataFrame(schema=TESTS), *[pl.DataFrame()] * 3, empty, empty)
    Drift: keep the classifier (rule 6 of 6): nothing has changed that these tests can see
    """

    advice: Advice
    tests: pl.DataFrame
    mixes: pl.DataFrame
    errors: pl.DataFrame
    calibration: pl.DataFrame
    missing: pl.DataFrame
    inputs: pl.DataFrame
    weight: str = "author"

    @property
    def alarms(self) -> pl.DataFrame:
        """The tests that sound the alarm."""
        return self.tests.filter(pl.col("alarm"))

    @property
    def recommendation(self) -> str:
        """What to do, and why, in one sentence."""
        what = {
            "keep": "keep the classifier", "recalibrate": "recalibrate: fit its temperature on gold of this window",
            "label": f"label {int(self.missing['more'].sum())} more posts, as `missing` says",
            "retrain": "retrain on labels of both windows, and judge before you promote",
        }[self.advice.action]  # fmt: skip
        return f"{what} (rule {self.advice.rule} of {len(RULES)}): {self.advice.reason}"

    def __repr__(self) -> str:
        lines = [f"Drift: {self.recommendation}"]
        for row in self.alarms.iter_rows(named=True):
            lines.append(
                f"  alarm, {row['family']}: {row['test']} ({row['effect']} {row['size']:.3f}, p {_p(row['p_holm'])})"
            )
        untested = self.tests.filter(pl.col("p").is_null())["test"].to_list()
        if untested:
            lines.append(f"  not tested: {', '.join(untested)}")
        return "\n".join(lines)


def drift(
    reference: Any,
    current: Any,
    *,
    model: FramingClassifier | None = None,
    gold: Any = None,
    seed: int,
    replicates: int = 400,
    weight: str = "author",
) -> Drift:
    """Compare a current window of classified posts with a reference window, and say what to do.

    The windows are framed corpora (`model.predict(corpus)`), corpora (which `model` then classifies), or tables with
    author_id and predicted; of lang, platform, text_norm, post_id and the probabilities p_<class> each serves some of
    the tests. `gold` holds labels of posts of both windows (`GoldLabels`, `Labels`, or a table with post_id, value and
    inclusion_p). `weight`: every author counts once ("author"), or every post ("post"). Classes, languages and
    platforms of fewer than 10 authors are never named, and fewer than 30 effective authors are not tested.

    Raises `MeaningError` for windows of fewer than 10 authors, that share posts, or that two models classified, and for
    training labels; `SchemaError` for columns that are not there; `UsageError` for numbers out of range.

    >>> def window(name, lang):
    ...     return pl.DataFrame({"author_id": [f"{name}{i}" for i in range(60)], "predicted": ["both", "neither"] * 30,
    ...                          "lang": (["en"] * 30 + [lang] * 30)})
    >>> drift(window("a", "ur"), window("b", "ps"), seed=7)
    Drift: label 120 more posts, as `missing` says (rule 2 of 6): something has changed, and gold does not suffice to
    say whether the classifier still errs as before
      alarm, population: language (share that moved 0.500, p below 0.001)
      not tested: script, platform, words, new words, domain classifier, mean probability, confidence
    """
    pair = Pair.of(reference, current, model=model, weight=weight, seed=seed, replicates=replicates)
    golds, elsewhere = read_gold(pair, gold) if gold is not None else (None, 0)
    findings = shift_findings(pair, seed)
    errors: list[dict[str, Any]] = []
    calibration: list[dict[str, Any]] = []
    if golds is not None:
        own = getattr(getattr(model, "linear_", None), "temperature", None)
        told, errors = error_findings(pair, golds)
        sharp, calibration = calibration_findings(pair, golds, own)
        findings += [*told, *sharp]
    tests = _judged(findings)
    missing, classes = missing_labels(pair, golds)
    sounded = {family: bool(tests.filter(family=family)["alarm"].any()) for family in FAMILIES}
    state = state_of_errors(sounded["errors"], missing, classes)
    return Drift(
        advise(state, sounded), tests,
        pl.DataFrame([row for finding in findings for row in finding.mixes], schema=MIXES),
        pl.DataFrame(errors, schema=ERRORS), pl.DataFrame(calibration, schema=CALIBRATION), missing,
        pl.concat([_sizes(pair, elsewhere), _inputs(tests, missing, classes, state)]), weight,
    )  # fmt: skip


def _judged(findings: list[Finding]) -> pl.DataFrame:
    """The rows of the tests, with p adjusted within each family and the alarm."""
    rows = [dict.fromkeys(TESTS) | finding.row for finding in findings]
    for family in FAMILIES:
        own = [row for row in rows if row["family"] == family]
        for row, p in zip(own, holm([row["p"] for row in own]), strict=True):
            row["p_holm"], row["alarm"] = p, p is not None and p < ALARM
    return pl.DataFrame(rows, schema=TESTS)


def _sizes(pair: Pair, elsewhere: int) -> pl.DataFrame:
    """How much was compared."""
    rows: list[tuple[str, str, float]] = []
    for name, window in zip(("reference", "current"), pair.windows, strict=True):
        rows += [(name, "posts", float(len(window.place))), (name, "authors", float(len(set(window.place.tolist()))))]
    rows.append(("gold", "labels of posts in neither window", float(elsewhere)))
    return pl.DataFrame(rows, schema=_INPUTS, orient="row")


def _inputs(tests: pl.DataFrame, missing: pl.DataFrame, classes: int, state: str) -> pl.DataFrame:
    """What the rules were asked with: one row a number."""
    rows: list[tuple[str, str, float | None]] = [("alarm", "adjusted p below", ALARM)]
    for family in FAMILIES:
        own = tests.filter(pl.col("family") == family)
        least = own["p_holm"].min()
        rows.append((family, "tests", float(own["p"].count())))
        rows.append((family, "alarms", float(own["alarm"].sum())))
        rows.append((family, "least adjusted p", None if least is None else float(str(least))))
    rows.append((f"errors are {state}", "classes that can be named", float(classes)))
    for window in ("reference", "current"):
        own = missing.filter(pl.col("window") == window)
        rows += [(f"gold, {window}", name, float(own[name].sum())) for name in ("have", "need", "more")]
    return pl.DataFrame(rows, schema=_INPUTS, orient="row")


def _p(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "below 0.001"
