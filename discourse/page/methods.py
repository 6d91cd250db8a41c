"""Method, limits and terms of the page, for readers without statistics."""

from __future__ import annotations

from typing import Final

__all__ = ["GLOSSARY", "LIMITS", "READING", "method_notes"]

READING: Final = (
    ("The line", "is the estimate for each window of time. Where it breaks, too few people wrote to say anything."),
    ("The band", "is the interval: the range in which the true value may well lie. Compare bands, not lines."),
    ("A hollow mark", "is a window that the collection covers only in part."),
    ("The grey band", "shows what a distance looks like when the sides are dealt out at random. Inside it, no "
     "difference can be told."),
    ("Numbers above the plot", "are events. That something changed at an event does not say that the event did it."),
)  # fmt: skip
"""How to read a chart: what is seen, and what it is."""

LIMITS: Final = (
    "Why something changed. The charts show when, not why: other things happened in the same days.",
    "What people in a country think. These are posts that were public, were collected and could be placed on a side; "
    "most people post nothing.",
    "Anything about a single person. Nobody is counted as nationalist or conciliatory: posts are, and only in sums of "
    "10 authors and more.",
    "That two windows differ, where their intervals overlap; and that they are alike, only because they do. No "
    "difference told is not the same as no difference.",
    "That one window among many stands out. Of twenty intervals about one misses the truth by chance alone.",
)  # fmt: skip
"""What cannot be concluded from the page."""

GLOSSARY: Final = (
    ("Frame", "What a post does with the conflict: speaks for the nation against the other side (nationalist), for "
     "talks and an end (conciliatory), both, or neither. The codebook says what counts."),
    ("Share", "Of 100 posts from a side in a window, how many have that frame. With each author counted once, every "
     "author has the same say, however much they post."),
    ("Net tone", "Nationalist share minus conciliatory share: 1 if all posts are nationalist, \u22121 if all are "
     "conciliatory, 0 if both weigh the same."),
    ("Interval", "A range around an estimate, made so that 95 of 100 such ranges hold the true value. It covers the "
     "chance of who happened to write and of which posts happened to be coded; it covers no fault in how posts were "
     "collected."),
    ("Coded posts (gold)", "A random sample of posts that coders read and gave a frame, by the codebook. The "
     "classifier is measured, and corrected, by what they found."),
    ("Correction", "The classifier makes mistakes, and not evenly. The coded posts tell how often it mistakes each "
     "frame for another; the counts are set right by that. “Not corrected” leaves this out, and is shown only "
     "to be compared."),
    ("Sides shuffled", "The same measure after the sides were dealt out among the authors at random, many times. "
     "It is what chance alone would show."),
    ("Gap of the net tones", "Net tone of one side minus that of the other: 0 when both speak alike, up to 2 or "
     "\u22122 when one is all nationalist and the other all conciliatory."),
    ("Squared Cramér distance", "How differently the posts of two sides are spread from conciliatory over neutral to "
     "nationalist; 0 when alike. What chance adds is taken off, so it can fall a little below 0."),
    ("Esteban-Ray index", "How split one side is in itself: 0 when all its posts are alike, 1 when half stand at each "
     "pole."),
    ("Withheld", "Not shown, because fewer than 10 authors stand behind a number, or because a number that must not be "
     "shown could be worked out from it, or because fewer than 30 authors make an interval that cannot be trusted."),
    ("Side", "The country a post speaks from, by lists of accounts, geotags and named places; never by its language. "
     "Where nothing is known it stays unknown."),
)  # fmt: skip
"""Terms of the page and what they mean."""

_SCOPES: Final = {
    "window": "Each window and side is corrected by its own coded posts. That asks for many of them, and assumes "
    "nothing about other windows.",
    "side": "The coded posts of a side are pooled over all windows. This assumes that the classifier errs alike the "
    "whole time; if it does not, a rise or fall is drawn too flat.",
    "all": "All coded posts are pooled. This assumes that the classifier errs alike everywhere and the whole time; if "
    "it does not, differences are drawn too small.",
}


def method_notes(gold_within: str, replicates: int, shuffles: int) -> tuple[tuple[str, str], ...]:
    """Heads and texts on the method of a study, by the scope of its gold labels and the sizes of its resampling.

    >>> [head for head, _ in method_notes("side", 400, 200)][:2]
    ['What is counted', 'A classifier reads, coders check']
    """
    return (
        (
            "What is counted",
            "Every post gets one of four frames: nationalist, conciliatory, both, or neither. A share is the part of a "
            "side’s posts in a window that has a frame. Each author counts once in a window, however much they post; "
            "the charts can also count every post, or every text, once.",
        ),
        (
            "A classifier reads, coders check",
            "A classifier gives every post its frame, and errs. So a random sample of posts was read by coders. What "
            "they found in each of the classifier’s piles is carried over to the whole pile, which sets the counts "
            f"right. {_SCOPES[gold_within]}",
        ),
        (
            "How sure the numbers are",
            f"Intervals (95 %) come from making the study again {replicates} times, each time with authors and coded "
            "posts drawn anew. In made-up studies, whose truth is known, such intervals held it about as often as they "
            "promise; the page on validation in the documentation has the counts.",
        ),
        (
            "What chance looks like",
            "Two groups never speak exactly alike. Distances and splits are therefore shown beside what "
            f"{shuffles} random deals of the sides give, and the part that chance alone adds is taken off.",
        ),
        (
            "What is left out",
            "Windows with fewer than 30 authors (after weighting) have no estimate, and nothing that fewer than 10 "
            "authors stand behind is shown, here or in the files beside this page. Posts the classifier learned from "
            "are not measured. Posts of unknown side are a group of their own and are in neither side’s share.",
        ),
        (
            "What events did",
            "The effect of an event is the change of level on its day, against the line that the days before continue, "
            "in a model in which days hang together. Nothing past the next event is looked at, and each effect must "
            "stand out among all that were tested.",
        ),
    )
