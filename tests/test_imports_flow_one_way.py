"""Imports flow one way: from lower tiers, and inside a folder along one written order."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "discourse"

TIERS = {
    "errors": 0, "schema": 0, "settings": 0.5, "events": 0.5, "poisson": 0.5, "whole": 0.5, "kernels": 0.7, "text": 1,
    "corpus.privacy": 1, "corpus.posts": 1, "corpus.gazetteer": 1, "corpus.mentions": 1, "corpus.settle": 1,
    "readers": 2, "corpus": 2, "store": 3, "labels": 3,
    "sampling": 3.5, "sheets": 3.5, "estimators": 3.8, "indices": 3.9, "networks": 3.9, "measure": 4,
    "framing": 4, "impact": 4.1,
    "judging": 4.3, "registry": 4.6, "report": 5, "simulate": 5,
    "plots": 5.1, "page": 5.2, "notebook": 5.2, "engine": 6,
    "study": 7, "commands": 7.5, "cli": 8,
}  # fmt: skip

# Inside a folder a module imports only from those that stand before it.
ORDER = {
    "": ("errors", "schema", "settings", "events", "poisson", "whole"),
    "kernels": ("compiled", "packed", "utf8", "chunks", "words", "language", "normal", "valence_rules", "valence"),
    "text": ("chunks", "noise", "normal_form_tables", "normal_form", "tokens", "hashing", "letters", "language_model",
             "language_evidence", "language_tables", "language", "valence_lists", "valence_tables", "valence",
             "columns", "fit_language"),
    "corpus": ("privacy", "posts", "gazetteer", "mentions", "settle", "sides", "near", "copies", "population",
               "texts", "links", "catalogue"),
    "readers": (
        "values", "records", "formats", "markup", "files", "mapped", "tables", "sheets", "containers", "drafting",
        "x_api", "twitter_v1", "x_archive", "rtweet", "twarc_csv", "twitter_r", "reddit", "telegram", "whatsapp",
        "youtube", "yt_dlp", "youtube_tools", "facebook", "crowdtangle", "meta_library", "bluesky", "mastodon",
        "tiktok", "zeeschuimer", "fourcat_csv", "fourcat", "account", "line_kernels", "value_kernels",
        "people_kernels", "columnar", "hiding", "x_api_columns", "read",
    ),
    "store": (
        "disk", "manifest", "segments", "spool", "staging", "scrubbing", "writing", "importing", "reading", "joining",
        "requeue", "checking", "forgetting", "saved",
    ),
    "labels": ("entries", "codebook", "cells", "labels", "relocate", "resampling", "ratings", "sums", "coefficients",
               "agreement", "disagreement", "coders", "writing"),
    "sampling": ("allocation", "drawing", "active", "units", "sampling", "merging", "budget", "files"),
    "sheets": ("files", "answers", "saved", "sheet_page", "sheets", "decisions", "tools", "inception", "spreadsheets",
               "interchange"),
    "estimators": ("bootstrap", "rates", "simplex", "estimate", "proportions", "mixture", "quantify", "stratified",
                   "powered", "crossfit", "linearised", "guards", "comparison"),
    "indices": ("line", "within", "between", "dip_table", "dip", "no_difference", "affective", "polarization",
                "partisanship", "penalised"),
    "networks": ("graph", "rewiring", "walks", "network"),
    "measure": ("fused", "spread", "tallies", "methods", "prevalence", "guarding", "shuffle", "windows",
                "timeline", "groups", "shards", "means"),
    "impact": ("daily", "effects", "latent", "regressions", "interrupted", "event_checks", "contrasts", "events",
               "several_events", "change_points", "smoothing", "sensitivity", "conversion"),
    "framing": ("reading", "features", "lexicon", "lexicon_counts", "linear", "bank", "latent", "calibration", "beside",
                "framed", "scorer", "classifier", "contributions", "explain", "store", "weights", "encoders"),
    "judging": ("intervals", "scores", "splits", "baselines", "values", "tables", "evaluate", "reliability",
                "selective", "agree", "curve", "probes", "behaviour", "error_book", "wald", "pair", "shift",
                "stability", "two_samples", "advice", "drift"),
    "registry": ("limited", "skops_file", "foreign", "probes", "card", "decision", "facts", "folder", "loading", "seen",
                 "promotion", "overlap", "words"),
    "report": ("disclosure", "guard", "thin", "composition", "rows", "cautions", "words", "effects_words", "manifest",
               "crate"),
    "plots": ("style", "marks", "panels", "series", "words", "effects", "event", "correction", "slices", "judging",
              "coverage", "waves", "save"),
    "page": ("effects", "grid", "chart_scales", "chart_data", "chart_svg", "chart_table", "pictures", "assets",
             "methods", "answer", "page"),
    "notebook": ("progress", "table", "series", "scores", "effects", "figure", "show"),
    "simulate": ("bank", "conflict", "people", "export", "demo", "practice", "observed", "shifts", "days",
                 "validation"),
    "engine": ("backend", "partitions", "scored", "scoring", "measuring"),
    "study": ("checkup", "laying_out", "ledger", "values", "hypotheses", "effect_settings", "config", "frozen",
              "stages",
              "corrected_days", "event_rows", "effect_tables", "effects", "describe", "figure_kinds", "figure_series",
              "figure_groups", "figure_judging", "draw_effects", "aside", "page", "draw", "figure_crate", "run",
              "figure_compare", "figure_check", "models"),
    "commands": ("console", "study_file", "first_run", "corpus", "catalogue", "studies", "figures", "models",
                 "population", "looking", "drawing", "coding", "validation", "scoring", "freezing"),
}  # fmt: skip
_NUMBERS_ONLY = ("estimators", "indices", "networks", "measure", "impact")
FORBIDDEN = dict.fromkeys(_NUMBERS_ONLY, ("text", "corpus", "labels", "framing", "readers"))
FACES = ("", "text")
HEAVY = ("polars", "numpy", "pandas", "sklearn", "scipy", "matplotlib", "seaborn", "nltk", "pyarrow")
COMMANDS = (
    "doctor",
    "new",
    "completion",
    "run",
    "import",
    "train",
    "evaluate",
    "measure",
    "score",
    "measure-scores",
    "figures",
    "report",
    "simulate",
    "forget",
    "verify",
    "gc",
    "digest",
    "corpora",
    "validate",
    "freeze",
    "look",
    "retrain",
    "compare",
    "promote",
    "models",
    "sample",
    "plan",
    "sheets",
    "collect",
    "agree",
    "adjudicate",
    "settle",
    "export-tasks",
    "import-labels",
)


def imported(source: str, module: str, modules: frozenset[str]) -> Iterator[str]:
    """Modules of the package that a module imports anywhere in its source, named below `discourse`."""
    parts = ["discourse", *module.split(".")]
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*parts[: len(parts) - node.level], *filter(None, [node.module])])
            base = base if node.level else node.module or ""
            inside = [f"{base}.{alias.name}" for alias in node.names]
            names = [one if one.removeprefix("discourse.") in modules else base for one in inside]
        for name in names:
            if name == "discourse" or name.startswith("discourse."):
                yield name.removeprefix("discourse").removeprefix(".")


def tier(module: str) -> float:
    """The tier of a module: its own, else that of its folder."""
    return TIERS[module] if module in TIERS else TIERS[module.split(".", maxsplit=1)[0]]


def broken(module: str, source: str, modules: frozenset[str]) -> list[str]:
    """Every import of a module that goes up, sideways against the order, or where it must not go."""
    folder = module.rpartition(".")[0]
    found = []
    for target in imported(source, module, modules):
        other = target.rpartition(".")[0]
        if not target or target not in modules:
            found.append(f"{module} imports {target or 'the face'}, which is no module")
        elif target.split(".")[0] in FORBIDDEN.get(module.split(".", maxsplit=1)[0], ()):
            found.append(f"{module} must know nothing of {target}")
        elif folder == other and (folder or max(tier(module), tier(target)) < 1):
            order = ORDER[folder]
            if order.index(target.rpartition(".")[2]) >= order.index(module.rpartition(".")[2]):
                found.append(f"{module} imports {target} against the order of {folder or 'the package'}")
        elif tier(target) >= tier(module):
            found.append(f"{module} (tier {tier(module)}) imports {target} (tier {tier(target)})")
    return found


def everything() -> dict[str, str]:
    """Every module of the package by its name below `discourse`, with its source; rooms' `__init__` too."""
    made = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
        made[name] = file.read_text("utf-8")
    return made


MODULES = everything()
NAMES = frozenset(MODULES)


def test_the_scan_sees_the_package() -> None:
    assert {"errors", "text.normal_form", "measure.timeline", "study.run", "cli"} <= NAMES
    assert sum(len(list(imported(source, name, NAMES))) for name, source in MODULES.items()) > 150


def test_every_module_has_its_place_in_the_order() -> None:
    for name in NAMES - {"", "cli"} - set(ORDER):
        folder, _, short = name.rpartition(".")
        assert short in ORDER[folder], f"{name} has no place in ORDER[{folder!r}]"
    for folder, order in ORDER.items():
        assert len(set(order)) == len(order)
        missing = {f"{folder}.{one}".lstrip(".") for one in order} - NAMES
        assert not missing, f"ORDER names modules that are gone: {missing}"


@pytest.mark.parametrize("module", sorted(NAMES - {""}))
def test_imports_of_a_module_go_down(module: str) -> None:
    assert broken(module, MODULES[module], NAMES) == []


def test_rooms_hold_no_imports_and_the_face_only_its_loader() -> None:
    for room in ORDER:
        names = {alias.name for node in ast.walk(ast.parse(MODULES[room])) if isinstance(node, ast.Import)
                 for alias in node.names}  # fmt: skip
        assert names == ({"lazy_loader"} if room in FACES else set()), room
        assert list(imported(MODULES[room], room, NAMES)) == []


@pytest.mark.parametrize(
    ("module", "source", "word"),
    [
        ("errors", "from discourse.schema import FRAMES", "against the order"),
        ("schema", "import discourse.cli", "tier 8"),
        ("text.normal_form", "def f():\n    from discourse.corpus.posts import Corpus", "tier 1) imports corpus.posts"),
        ("text.normal_form", "from discourse.text.tokens import WORDS", "against the order"),
        ("text.normal_form", "from .tokens import WORDS", "against the order"),
        ("text.normal_form", "from . import tokens", "against the order"),
        ("labels.labels", "from discourse.framing import classifier", "imports framing.classifier"),
        ("labels.labels", "if TYPE_CHECKING:\n    from discourse.study.run import Outcome", "imports study.run"),
        ("measure.timeline", "from discourse.text.noise import mask", "must know nothing of text"),
        ("estimators.rates", "from discourse.corpus.posts import Corpus", "must know nothing of corpus"),
        ("estimators.rates", "from discourse.framing.features import mask", "must know nothing of framing"),
        ("estimators.rates", "from discourse.estimators.rates import GOLD_WITHIN", "against the order"),
        ("framing.store", "from discourse.measure.tallies import tally", "tier 4) imports measure.tallies (tier 4)"),
        ("report.words", "from discourse.simulate.demo import Demo", "tier 5) imports simulate.demo (tier 5)"),
        ("corpus.posts", "from discourse.corpus.sides import Sides", "against the order"),
        ("readers.read", "from discourse import read_posts", "the face"),
        ("study.run", "from discourse import cli", "tier 7) imports cli"),
    ],
)
def test_an_import_that_goes_up_is_caught(module: str, source: str, word: str) -> None:
    found = broken(module, source, NAMES)
    assert len(found) == 1
    assert word in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("text.tokens", "from discourse.text.noise import URL\nimport polars"),
        ("study.run", "from discourse.measure import timeline"),
        ("estimators.rates", "from .bootstrap import replicate_variance"),
    ],
)
def test_an_import_that_goes_down_passes(module: str, source: str) -> None:
    assert broken(module, source, NAMES) == []


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement", ["import discourse", "import discourse.cli", "from discourse import errors", "import discourse.text"]
)
def test_importing_costs_nothing(statement: str) -> None:
    assert loaded_by(statement) & set(HEAVY) == set()


def test_the_check_of_heavy_imports_bites() -> None:
    assert "polars" in loaded_by("import discourse.schema")
    assert "polars" in loaded_by("import discourse\ndiscourse.Corpus")


def test_help_lists_every_command_without_loading_anything_heavy() -> None:
    code = (
        "import sys\nfrom discourse.cli import main\nsys.argv = ['discourse', '--help']\ntry:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\nfinally:\n"
        "    print('loaded', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    listed = {line.split()[0] for line in done.stdout.split("Commands:")[1].splitlines() if line.strip()}
    assert listed == set(COMMANDS)
    assert set(done.stderr.split()) & set(HEAVY) == set()
