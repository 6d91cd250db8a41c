"""Commands for the registry of models: retrain, compare, promote, and models list, show, verify."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from discourse.commands.console import AS_JSON, Status, tell
from discourse.commands.studies import desk_for, for_study, outcome, ran, run_until
from discourse.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from discourse.registry.decision import Comparison
    from discourse.registry.folder import Entry

__all__ = ["COMMANDS", "MODELS", "register_trained", "registered_lines"]

MODELS = click.option("--models", type=click.Path(path_type=Path), default=Path("models"), show_default=True,
                      help="Folder of the registry.")  # fmt: skip
_CANDIDATE = click.option("--candidate", metavar="VERSION", help="The version that would replace it; else the newest.")
_MARGIN = click.option("--margin", type=click.FloatRange(0, 1, max_open=True), default=0.02, show_default=True,
                       help="How much lower macro-F1 may be at most.")  # fmt: skip
_DAY = click.DateTime(["%Y-%m-%d"])


def register_trained(study: Path, data: Path | None, work: Path, models: Path, name: str) -> Entry:
    """Register what a study has trained and judged."""
    from discourse.study.models import register_study

    with _watched() as status:
        return register_study(desk_for(study, data, work, status), models, name)


def registered_lines(made: Entry) -> list[str]:
    """What was registered, in a line."""
    said = "registered" if made.new else "is registered already, byte for byte, as"
    return [f"{made.card.model_id} {said} {made.card.name} {made.version} in {made.path.parent.parent}"]


@click.command()
@for_study(published=False)
@click.option("--name", required=True, help="Name of the model in the registry.")
@MODELS
@_MARGIN
def retrain(study: Path, data: Path | None, work: Path, *, as_json: bool, **given: Any) -> None:
    """Train on the labels as they are now, register the result, and compare it with the current version.

    Nothing becomes current, except the first version of a name: discourse promote does that.
    """
    from discourse.registry.folder import check_name, current
    from discourse.registry.words import comparison_lines
    from discourse.study.models import compare_versions, pair_of

    models, name = given["models"], given["name"]
    check_name(name)
    done = run_until(study, data, work, Path("figures"), "judge")
    made = register_trained(study, data, work, models, name)
    now = current(models, name)
    found = {**outcome(done), "name": name, "version": made.version, "model": made.card.model_id, "new": made.new}
    lines = [ran(done), *registered_lines(made)]
    if now is None or now.version == made.version:
        said = f"{made.version} is current: there is nothing to compare it with"
        tell(as_json, {**found, "verdict": "current", "comparison": None}, [*lines, said])
        return
    with _watched() as status:
        pair = pair_of(models, name, made.version)
        comparison = compare_versions(desk_for(study, data, work, status), pair, given["margin"])
    todo = {
        "promote": f"promote it: discourse promote {study} {name} --candidate {made.version}",
        "keep": f"keep {now.version}",
    }[comparison.verdict]
    tell(as_json, {**found, **_plain(comparison)}, [*lines, *comparison_lines(comparison), todo])


@click.command()
@for_study(published=False)
@click.argument("name")
@_CANDIDATE
@click.option("--incumbent", metavar="VERSION", help="The version it is compared with; else the current one.")
@MODELS
@_MARGIN
def compare(study: Path, data: Path | None, work: Path, *, as_json: bool, **given: Any) -> None:
    """Compare two versions of a model on the gold labels of a study that neither has seen. Changes nothing."""
    from discourse.registry.words import comparison_lines
    from discourse.study.models import compare_versions, pair_of

    pair = pair_of(given["models"], given["name"], given["candidate"], given["incumbent"])
    run_until(study, data, work, Path("figures"), "label")
    with _watched() as status:
        comparison = compare_versions(desk_for(study, data, work, status), pair, given["margin"])
    old, new = pair.incumbent.card.version, pair.candidate.card.version
    found = {"name": given["name"], "incumbent": old, "candidate": new, **_plain(comparison)}
    tell(as_json, found, [f"{given['name']}: {new} in place of {old}?", *comparison_lines(comparison)])


@click.command()
@for_study(published=False)
@click.argument("name")
@_CANDIDATE
@MODELS
@_MARGIN
@click.option("--reason", help="Why it becomes current against the comparison; the history keeps it.")
@click.option("--overlap-from", type=_DAY, help="First day (UTC) that both versions frame; else the whole period.")
@click.option("--overlap-to", type=_DAY, help="The day (UTC) before which that ends.")
def promote(study: Path, data: Path | None, work: Path, *, as_json: bool, **given: Any) -> None:
    """Make a version current, if the comparison allows it. Exit code 6, with the numbers, when it does not.

    Both versions frame the posts of an overlap, which goes to the private folder: what the change alone does to shares.
    """
    from discourse.registry.words import comparison_lines
    from discourse.study.models import pair_of, promote_version

    pair = pair_of(given["models"], given["name"], given["candidate"])
    run_until(study, data, work, Path("figures"), "label")
    window = tuple(None if day is None else day.replace(tzinfo=UTC) for day in _days(given))
    with _watched() as status:
        made, file = promote_version(
            desk_for(study, data, work, status), given["models"], pair,
            margin=given["margin"], reason=given["reason"], window=(window[0], window[1]),
        )  # fmt: skip
    found = {"name": given["name"], "version": made.version, "decision": made.decision, "reason": made.reason,
             "incumbent": made.incumbent, "at": made.at, "overlap": str(file),
             **(_plain(made.comparison) if made.comparison else {})}  # fmt: skip
    moved = [
        f"{one.group}: {one.frame} {one.incumbent:.3f} to {one.candidate:.3f} "
        f"({one.difference:+.3f}, {one.low:+.3f} to {one.high:+.3f})"
        for one in made.overlap
    ]
    tell(as_json, found, [
        *(comparison_lines(made.comparison) if made.comparison else []),
        f"{given['name']} {made.version} is current now ({made.decision}), in place of {made.incumbent}",
        "shares as predicted, before and after the change:", *(f"  {line}" for line in moved),
        f"private  {file} and its framings (.parquet): never share them",
        "a series never splices two models: let the new one frame the whole of its period",
    ])  # fmt: skip


def _days(given: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    return given["overlap_from"], given["overlap_to"]


@click.group()
def models() -> None:
    """Registered models: list them, show a card, verify every file."""


@models.command("list")
@MODELS
@AS_JSON
def list_(models: Path, *, as_json: bool) -> None:
    """List every version with its score, and which one is current."""
    from discourse.registry.folder import entries

    found = [
        {"name": one.card.name, "version": one.version, "model": one.card.model_id, "registered": one.card.created,
         "current": one.current, "macro_f1": _overall(one)}
        for one in entries(models)
    ]  # fmt: skip
    lines = [
        f"{'*' if one['current'] else ' '} {one['name']:20} {one['version']:5} {one['registered']} {one['model']:24} "
        + ("" if one["macro_f1"] is None else f"macro-F1 {one['macro_f1']:.3f}")
        for one in found
    ]
    tell(as_json, {"models": found}, lines or [f"there is no model in {models}"])


def _overall(one: Entry) -> float | None:
    for score in one.card.scores:
        if (score.model, score.group, score.metric) == ("classifier", "all", "macro_f1"):
            return score.estimate
    return None


@models.command()
@click.argument("name")
@click.argument("version", required=False)
@MODELS
@AS_JSON
def show(name: str, version: str | None, models: Path, *, as_json: bool) -> None:
    """Show the card of a version, or of the current one, and the history of the model."""
    import msgspec

    from discourse.registry.folder import entry, history
    from discourse.registry.words import card_lines, history_lines

    found, decisions = entry(models, name, version), history(models, name)
    plain = {"card": msgspec.to_builtins(found.card), "current": found.current,
             "history": msgspec.to_builtins(decisions)}  # fmt: skip
    now = "this version is current" if found.current else "this version is not current"
    tell(as_json, plain, [*card_lines(found.card), now, *history_lines(decisions)])


@models.command()
@MODELS
@AS_JSON
def verify(models: Path, *, as_json: bool) -> None:
    """Compare every file with its card and ask every model its probe texts. Exit code 4 when anything is wrong."""
    from discourse.registry.loading import verify_registry

    done = verify_registry(models)
    found = {
        "models": done.models, "versions": done.versions,
        "faults": [{"where": one.where, "what": one.what} for one in done.faults], "leftovers": list(done.leftovers),
    }  # fmt: skip
    said = "sound" if not done.faults else f"{len(done.faults)} things are wrong"
    tell(as_json, found, [
        *(f"{one.where}: {one.what}" for one in done.faults),
        *(f"{name} is part of no version; it may be removed" for name in done.leftovers),
        f"{done.models} models, {done.versions} versions: {said}",
    ])  # fmt: skip
    if done.faults:
        raise click.exceptions.Exit(BadInput.exit_code)


@contextmanager
def _watched() -> Iterator[Status]:
    status = Status()
    try:
        yield status
    finally:
        status.clear()


def _plain(comparison: Comparison) -> dict[str, Any]:
    import msgspec

    return {
        "verdict": comparison.verdict,
        "reasons": list(comparison.reasons),
        "comparison": msgspec.to_builtins(comparison),
    }


COMMANDS: tuple[click.Command, ...] = (retrain, compare, promote, models)
