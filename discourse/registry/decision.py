"""What was found when two models were compared, and what was decided: numbers and one sentence each, kept for good."""

from __future__ import annotations

from typing import Final, Literal

from discourse.registry.card import Plain

__all__ = ["Check", "Comparison", "Decision", "ShareOfBoth"]

KEEP: Final = "keep"
PROMOTE: Final = "promote"


class Check(Plain, frozen=True):
    """One thing in which a candidate must not be worse than the incumbent.

    `what` is macro_f1, cc_bias of a frame, or condition (of the error correction); `low` and `high` bound the
    difference candidate - incumbent. Numbers of posts and authors are to the nearest five. A check that is not
    `judged` decides nothing: its group is too small.

    >>> Check(what="macro_f1", group="all", incumbent=0.60, candidate=0.63, difference=0.03, low=0.01, high=0.05,
    ...       posts=400, authors=200, judged=True, passed=True, said="macro-F1 rises").passed
    True
    """

    what: str
    group: str
    incumbent: float
    candidate: float
    difference: float
    low: float
    high: float
    posts: int
    authors: int
    judged: bool
    passed: bool
    said: str


class Comparison(Plain, frozen=True):
    """A candidate beside the incumbent on held-out posts that neither was trained on.

    Models are named by the SHA-256 of their files. `mcnemar_p` describes the posts on which the two differ as if they
    were independent, which posts of one author are not: it decides nothing.

    >>> Comparison(incumbent="0" * 64, candidate="1" * 64, margin=0.02, level=0.95, replicates=2000, seed=7, posts=0,
    ...            authors=0, left_out=0, only_incumbent_right=0, only_candidate_right=0, mcnemar_p=1.0,
    ...            checks=()).verdict
    'keep'
    """

    incumbent: str
    candidate: str
    margin: float
    level: float
    replicates: int
    seed: int
    posts: int
    authors: int
    left_out: int
    only_incumbent_right: int
    only_candidate_right: int
    mcnemar_p: float
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> str:
        """`promote` when every check that was judged passed, the one of all posts among them; else `keep`."""
        overall = any(one.judged and one.what == "macro_f1" and one.group == "all" for one in self.checks)
        return PROMOTE if overall and not self.failed else KEEP

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that speak against the candidate."""
        return tuple(one for one in self.checks if one.judged and not one.passed)

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each check that failed, or, where none did, for each that was judged."""
        return tuple(one.said for one in self.failed or [one for one in self.checks if one.judged])


class ShareOfBoth(Plain, frozen=True):
    """The share of a frame in the overlap window by both models, and the difference with its interval.

    `alike` is how many of the posts that either model gives the frame both give it; 1 where neither gives it to any.
    Numbers of posts and authors are to the nearest five.

    >>> ShareOfBoth(group="all", frame="both", incumbent=0.1, candidate=0.12, difference=0.02, low=0.01, high=0.03,
    ...             alike=0.8, posts=1000, authors=300).alike
    0.8
    """

    group: str
    frame: str
    incumbent: float
    candidate: float
    difference: float
    low: float
    high: float
    alike: float
    posts: int
    authors: int


class Decision(Plain, frozen=True):
    """One line of a model's history: from `at` on, `version` is current, and why.

    `decision` is "first", "promoted" or "override" (against the comparison, with a written reason). `previous` is the
    SHA-256 of the decision before, so that none can be changed or taken out unseen.

    >>> Decision(number=1, at="2025-01-06T00:00:00Z", version="v1", model_sha256="0" * 64, card_sha256="0" * 64,
    ...          decision="first", reason="the first model of this name", incumbent=None, comparison=None, overlap=(),
    ...          previous="").version
    'v1'
    """

    number: int
    at: str
    version: str
    model_sha256: str
    card_sha256: str
    decision: Literal["first", "promoted", "override"]
    reason: str
    incumbent: str | None
    comparison: Comparison | None
    overlap: tuple[ShareOfBoth, ...]
    previous: str
