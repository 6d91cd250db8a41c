# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,jupytext,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6 Retrain and compare
#
# > **No person wrote these posts.** They and their labels are made up.
#
# In spring you have more labels and train the classifier again. It scores higher, so you put it in the place of the old one, and the
# nationalist share drops by four points overnight. Did the talk change, or the ruler? This notebook shows how to change the ruler
# so that nobody has to ask.

# %%
import tempfile
import warnings
from pathlib import Path

import discourse as ds
from discourse.errors import QuarantineWarning

warnings.simplefilter("ignore", QuarantineWarning)  # the rows that notebook 1 told of
demo, key = Path("../corpora/demo"), ds.Key.made_up("demo")
sides = ds.Sides.from_toml(demo / "sides.toml").bind(key)
corpus = ds.read_posts(demo / "posts.jsonl.zst", key=key).with_sides(sides)
corpus = ds.Population().of(ds.with_copies(ds.with_text(corpus)))
labels = ds.read_labels(demo / "labels.csv", ds.Codebook.from_toml("../corpora/codebook.toml"))

# %% [markdown]
# ## Two versions, each with a card
#
# A *registry* is a folder of models. Each version has a card that cannot be changed: what it was trained on (as marks under your key,
# never as posts), by which codebook, with which settings. The old model had 75 labels, the new one has 600. Registering does
# not make a version current; that is a decision, and the first one is simple.

# %%
folder = tempfile.TemporaryDirectory()
for every in (8, 1, 16):
    given = ds.TrainingLabels(labels.training.frame.gather_every(every))
    facts = ds.Facts(ds.training_facts(corpus, given, key), "framing@2.1")
    model = ds.FramingClassifier(seed=7).fit(corpus, given)
    print(ds.register(model, folder.name, "framing", facts).version, "with", len(given), "labels")
decision = ds.promote(folder.name, "framing", "v1", None)
old, new, poor = (ds.open_registered(folder.name, "framing", version) for version in ("v1", "v2", "v3"))

# %% [markdown]
# ## Compare on posts that neither has seen
#
# **Why so strict?** The new model may have trained on posts that you would like to test it on. The cards know, so `unseen` takes out every gold
# post whose text, author or copy either model has met.

# %%
held, left_out = ds.unseen(corpus, labels.gold.frame, [old.card, new.card, poor.card], key)
print(f"{held.height:,} gold posts are left; {left_out:,} were taken out")
comparison = ds.compare(old, new, corpus, held, key=key, seed=7, replicates=400)
print(*ds.comparison_lines(comparison), sep="\n")

# %% [markdown]
# *How to read it.* Lines with **+** passed, lines with **-** speak against the new one, the others rest on too few authors to decide. A new version
# passes if it is not worse **by more than a margin**, on all posts and in every side and language, and if its errors are no harder to
# correct. So "better on average" is not enough: a model that gained in English and lost in Pashto would move the two sides apart
# all by itself. The burden of proof lies with the new one: what cannot be told from a loss is refused.

# %%
decision = ds.promote(folder.name, "framing", "v2", comparison)
print(f"{decision.version} is current now ({decision.decision}), in place of {decision.incumbent}")

# %% [markdown]
# ## And the other way round
#
# Somebody retrains on 38 labels by mistake. The comparison says what is wrong, and `promote` would stop with an error:

# %%
refused = ds.compare(new, poor, corpus, held, key=key, seed=7, replicates=400)
print(refused.verdict, *refused.reasons, sep="\n")

# %% [markdown]
# ## What the change does to your numbers
#
# Let both models sort the same posts. Whatever differs is the ruler, since the posts are the same. These are shares *as predicted*, not
# corrected: the correction of notebook 4 takes most of the difference away, and that is the point of it.

# %%
both = ds.overlap(old.model, new.model, corpus, seed=7, replicates=200)
both.table.filter(group="all").select("frame", "incumbent", "candidate", "difference", "low", "high")

# %% [markdown]
# A series never splices two models. If the new one is to be used, it sorts the **whole** period again.

# %% [markdown]
# ### Exercise 1
#
# By how many **points** does the new model see more or fewer *conciliatory* posts than the old one, on the same posts? Give a number with its sign.

# %% tags=["exercise"]
points = None

# %% tags=["check"]
moved = 100 * both.table.filter(group="all", frame="conciliatory")["difference"][0]
assert points is None or abs(points - moved) <= 1, "The difference of 'conciliatory', times 100, with its sign."
print("not yet" if points is None else "right")

# %% [markdown]
# ### Exercise 2
#
# What is the verdict of a comparison in which `poor` is the one in use and `new` wants its place? Make it, as above, and keep it in `back`.

# %% tags=["exercise"]
back = None

# %% tags=["check"]
assert back is None or back.incumbent == poor.card.model_sha256, "The one in use is first: ds.compare(poor, new, ...)."
print("not yet" if back is None else f"right: {back.verdict}")
