"""A card, a comparison and a history in lines for people."""

from __future__ import annotations

from collections.abc import Sequence

from discourse.registry.card import Card, Score
from discourse.registry.decision import Comparison, Decision

__all__ = ["card_lines", "comparison_lines", "history_lines"]


def card_lines(card: Card) -> list[str]:
    """What a card says, line by line; digests in short, all of it stands in card.json.

    >>> from discourse.framing.classifier import FramingClassifier
    >>> from discourse.registry.facts import Facts
    >>> from discourse.registry.folder import register
    >>> import tempfile
    >>> model = FramingClassifier(seed=7, least=1).fit(["peace talks", "our soil"], ["conciliatory", "nationalist"])
    >>> with tempfile.TemporaryDirectory() as models:
    ...     lines = card_lines(register(model, models, "framing", Facts(None, "framing 2")).card)
    >>> lines[0].startswith("framing v1: linear@"), lines[-1]
    (True, 'probes      50 made-up texts, asked again whenever it is loaded')
    """
    settings = ", ".join(f"{name} {value}" for name, value in sorted(card.settings.items()))
    machine = ", ".join(f"{name} {value}" for name, value in sorted(card.environment.items()))
    return [
        f"{card.name} {card.version}: {card.model_id}",
        f"registered  {card.created}",
        f"for         {card.intended_use}",
        *(f"not         {one}" for one in card.limits),
        f"classes     {', '.join(card.classes)}",
        f"settings    {settings}",
        f"codebook    {card.codebook}",
        *_training(card),
        f"evaluated   {card.evaluated}",
        *(f"  {line}" for line in _scores(card.scores)),
        *(f"behaviour   {one.test}: {one.passed} of {one.cases} made-up cases passed" for one in card.behaviour
          if one.language == "all"),
        f"made with   {machine}",
        f"code        {card.code.get('package', '')[:16]}",
        f"file        {card.model_bytes:,} bytes, SHA-256 {card.model_sha256[:16]}…",
        f"probes      {len(card.probes)} made-up texts, asked again whenever it is loaded",
    ]  # fmt: skip


def _training(card: Card) -> list[str]:
    made = card.training
    if made is None:
        return ["trained on  not said"]
    number = "few" if made.posts is None else f"about {made.posts:,}"
    shown = [one for one in made.cells if one.posts is not None]
    hidden = len(made.cells) - len(shown)
    lines = [f"trained on  {number} posts, labels {made.labels[:8]}…, texts {made.texts[:8]}…, key {made.key}"]
    lines += [f"  {one.of:10} {one.value:14} {one.posts:>6} posts, {one.authors} authors" for one in shown]
    return [
        *lines,
        *([f"  {hidden} cells with fewer than ten authors, or that would tell one, are withheld"] if hidden else []),
    ]


def _scores(scores: Sequence[Score]) -> list[str]:
    """Macro-F1 of every model over all posts, of the classifier by group, and F1 of its frames over all posts."""
    macro = [one for one in scores if one.metric == "macro_f1" and (one.group == "all" or one.model == "classifier")]
    frames = [one for one in scores if (one.group, one.model, one.metric) == ("all", "classifier", "f1")]
    lines = [
        f"macro-F1   {one.model if one.group == 'all' else one.group:24} {_interval(one)}"
        for one in sorted(macro, key=lambda one: one.group != "all")
    ]
    return [*lines, *(f"F1         {one.of:24} {_interval(one)}" for one in frames)]


def _interval(score: Score) -> str:
    if score.estimate is None:
        return "withheld"
    if score.low is None or score.high is None:
        return f"{score.estimate:.3f}"
    return f"{score.estimate:.3f} ({score.low:.3f} to {score.high:.3f})"


def comparison_lines(comparison: Comparison) -> list[str]:
    """What a comparison found: the verdict, a sentence a check, and what decides nothing.

    >>> nothing = Comparison(incumbent="", candidate="", margin=0.02, level=0.95, replicates=200, seed=7, posts=400,
    ...     authors=200, left_out=12, only_incumbent_right=10, only_candidate_right=30, mcnemar_p=0.002, checks=())
    >>> for line in comparison_lines(nothing):
    ...     print(line)
    keep, on about 400 held-out posts of 200 authors (12 left out: seen in training)
    posts that only one has right: incumbent 10, candidate 30 (mid-p 0.002 if posts were independent; decides nothing)
    """
    left = f" ({comparison.left_out} left out: seen in training)" if comparison.left_out else ""
    signs = [("+" if one.passed else "-") if one.judged else " " for one in comparison.checks]
    return [
        f"{comparison.verdict}, on about {comparison.posts:,} held-out posts of {comparison.authors:,} authors{left}",
        *(f"{sign} {one.said}" for sign, one in zip(signs, comparison.checks, strict=True)),
        f"posts that only one has right: incumbent {comparison.only_incumbent_right}, "
        f"candidate {comparison.only_candidate_right} "
        f"(mid-p {comparison.mcnemar_p:.3f} if posts were independent; decides nothing)",
    ]


def history_lines(decisions: Sequence[Decision]) -> list[str]:
    """Which version was current from when, and why.

    >>> history_lines([])
    ['never current']
    """
    return [f"{one.at}  {one.version} {one.decision}: {one.reason}" for one in decisions] or ["never current"]
