"""Every case of the reference file, each by the public function it is about, within the file's own tolerance.

`OURS` says which function answers for which cases; a case, or a number of a case, that nothing answers for fails. The
values themselves are kept as literals elsewhere (`test_known_values` and others), for when the file is absent.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binom
from test_known_values import one_cell

import discourse as ds
from conftest import SHARED
from discourse.errors import BimodalityWarning
from discourse.estimators.powered import Moments, ppi_lambda
from discourse.estimators.proportions import cluster_se
from discourse.impact.interrupted import interrupted_design, working_response
from discourse.impact.latent import gls_ar1
from discourse.impact.regressions import binomial, least_squares, quasibinomial
from discourse.indices.dip import dip_p_value
from discourse.labels.ratings import read_array
from discourse.labels.sums import Sums
from discourse.measure.tallies import SCALE
from discourse.networks.graph import graph_of, mixing_matrix
from discourse.poisson import hash_keys
from discourse.schema import FRAMES

FILE = SHARED / "reference" / "reference_values.json"
MANY = 67

Given = dict[str, Any]
Answer = Callable[[Given], Given]

# What stands in the file beside its results: steps inside a formula, and how often an optimiser went round.
INSIDE = {"skew_G1", "excess_kurtosis_G2", "u_b0", "outer"}
# The file's own words: a p value of a table to 1e-3, degrees of freedom to 2 %.
LOOSER = {"pvalue_table": {"abs": 1e-3}, "df": {"rel": 0.02}}
# The fault of another tool, and the number of ours that it would have spoilt.
FAULTS = {
    "KNOWN_BAD_shipped_code_user0_not_left_out": ("pi_LO",),
    "KNOWN_BAD_statsmodels_two_column_scale_X2": ("dispersion_pearson_over_df", "se_quasi"),
    "KNOWN_BAD_default_jump5": ("jump1",),
}


def cases() -> list[Any]:
    """The cases of the file, or one that skips with a message where it is absent."""
    if not FILE.is_file():
        skips = pytest.mark.skip("needs ../shared/reference/reference_values.json")
        return [pytest.param({}, id="absent", marks=skips)]
    return [pytest.param(one, id=str(one["id"])) for one in json.loads(FILE.read_text("utf-8"))["cases"]]


def agreement(given: Given) -> Given:
    a = float(ds.agreement_A(given["counts"]))
    return {"A": a, "polarization": (1.0 - a) / 2.0}


def esteban_ray(given: Given) -> Given:
    p, alpha, at = given["p"], given["alpha"], given["x"]
    raw = ds.esteban_ray(p, alpha, at=at, normalised=False)
    return {"ER": raw, "ER_normalised": ds.esteban_ray(p, alpha=alpha)}


def esteban_ray_of_counts(given: Given) -> Given:
    n, at = given["counts"], given["x"]
    unbiased, plug_in = (
        ds.esteban_ray(n, alpha=1.0, unbiased=which, at=at, normalised=False) for which in (True, False)
    )
    assert float(ds.esteban_ray(n)) == pytest.approx(2.0 * float(unbiased), abs=1e-12)  # half and half is 0.5, raw
    return {"ER1_U": unbiased, "ER1_plugin": plug_in}


def bimodality(given: Given) -> Given:
    n, at = given["counts"], given["x"]
    with pytest.warns(BimodalityWarning):
        coefficient = ds.bimodality_coefficient(n, at)
    return {"BC": coefficient, "var_ddof0": ds.variance(n, unbiased=False), "var_ddof1": ds.variance(n)}


def between(given: Given) -> Given:
    p, q, at = given["p"], given["q"], given["x"]
    nats = ds.jsd(p, q, base=math.e, bias=None)
    return {
        "JSD_bits": ds.jsd(p, q, base=2), "JSD_nats": nats, "JS_distance_nats": np.sqrt(nats),
        "W1": ds.wasserstein1(p, q, at), "TV": ds.total_variation(p, q), "cramer2": ds.cramer2(p, q, unbiased=False),
        "energy_distance": ds.energy_distance(p, q, at),
    }  # fmt: skip


def poles(given: Given) -> Given:
    p = [given["p_con"], given["p_neither"], given["p_nat"]]
    # With the poles at -1 and 1 the distance of Morales et al. is 1, and their mu is the balance.
    return {"pole_share": ds.pole_share(p), "balance": ds.balance(p), "pole_index": ds.pole_index(p),
            "net_tone": ds.net_tone(p), "morales_mu_poles_only": ds.balance(p)}  # fmt: skip


def affective(given: Given) -> Given:
    out, own = given["out_group_posts"], given["in_group_posts"]
    four = (out["hostile"], out["n"], own["hostile"], own["n"])
    odds, error = ds.affective_log_odds(*four)
    shares = {name: ds.cc([one["hostile"], one["n"] - one["hostile"]])[0] for name, one in (("out", out), ("in", own))}
    return {"H_out": shares["out"], "H_in": shares["in"], "gap": ds.affective_gap(*four),
            "log_odds_ratio": odds, "se_log_or_iid": error}  # fmt: skip


def dip_of_a_score(given: Given) -> Given:
    with pytest.warns(BimodalityWarning):
        made = ds.dip(given["x"])
    return {"dip": made, "pvalue_table": dip_p_value(made, len(given["x"]))}


def dip_of_classes(given: Given) -> Given:
    with pytest.warns(BimodalityWarning):
        made = ds.dip(given["x"], given["counts"], force=True)
    return {"dip": made, "pvalue": dip_p_value(made, sum(given["counts"]))}


def leave_out(given: Given) -> Given:
    one, two = given["group_D_user_by_token_counts"], given["group_R_user_by_token_counts"]
    counts, group = [*one, *two], ["D"] * len(one) + ["R"] * len(two)
    return {
        "pi_LO": ds.leave_out_partisanship(counts, group),
        "pi_MLE_user_averaged": ds.plug_in_partisanship(counts, group, pooled=False),
        "pi_MLE_party_pooled_GST": ds.plug_in_partisanship(counts, group),
    }


def karate(given: Given) -> Given:
    edges, first = given["edges_unweighted"], set(given["side_A"])
    sides = ["A" if node in first else "B" for node in range(34)]
    matrix = mixing_matrix(graph_of(edges, sides))
    assert ds.ei_index(matrix) == ds.ei_index(edges, sides)
    assert ds.assortativity(matrix) == ds.assortativity(edges, sides)
    return {
        "E_I_index": ds.ei_index(edges, sides), "external_edges": matrix[0, 1],
        "internal_edges": np.trace(matrix) / 2, "assortativity": ds.assortativity(edges, sides),
        "modularity_unweighted": ds.modularity(edges, sides),
        **{f"RWC_exact_k{k}": ds.rwc(edges, sides, k) for k in (1, 2, 3)},
    }  # fmt: skip


def adjusted(given: Given) -> Given:
    q = given["unadjusted_pred_shares"]
    return {"p": ds.acc(q, np.transpose(given["confusion_true_by_pred"])), "naive_CC": ds.cc(q)}


def rogan_gladen(given: Given) -> Given:
    return {"p": ds.rogan_gladen(given["q"], given["sens"], given["spec"])}


def em(given: Given) -> Given:
    f, prior = given["posteriors"], given["train_prior"]
    path = [np.array(prior), *(ds.sld(f, prior, steps=step) for step in range(1, 60))]
    # QuaPy stops after more than 10 steps once the mean move is under 1e-4.
    stop = next(s for s in range(11, 60) if np.abs(path[s] - path[s - 1]).mean() < 1e-4)
    return {"p_converged": ds.sld(f, prior), "p_quapy_default_eps_1e-4": path[stop], "PCC": ds.pcc(f)}


def powered(given: Given) -> Given:
    y, f, others = (given[name] for name in ("Y", "Yhat", "Yhat_unlabeled"))
    lam = given["lam"]
    made = ds.ppi_plus(y, f, others) if lam is None else ds.ppi(y, f, others, lam=lam)
    if lam is None:
        columns = (np.array(one)[:, None] for one in (y, f, others))
        lam = ppi_lambda(Moments.of_posts(*columns, np.ones(len(y)), np.ones(len(others))), nested=False)
    return {"lambda": lam, "theta": float(made), "ci95": [made.low, made.high], "se": made.se}


def dsl(given: Given) -> Given:
    g, labelled, y = (given[name] for name in ("prediction_g", "labeled_R", "gold_Y_(0_where_unlabeled)"))
    pi = np.array(given["pi"])
    # The R package makes the mean chance the labelled part before it uses the chances.
    plain, scaled = ds.dsl(g, labelled, y, given["pi"]), ds.dsl(g, labelled, y, pi * np.mean(labelled) / pi.mean())
    return {"theta": float(plain), "se": plain.se, "theta_R_package_rescaled_pi": float(scaled),
            "se_R_package_rescaled_pi": scaled.se}  # fmt: skip


def poststrat(given: Given) -> Given:
    n, gold = given["pred_counts_all"], np.transpose(given["gold_true_by_pred"])
    plain, smooth = (ds.poststrat_se(n, gold, smooth=which)[0] for which in (False, True))
    return {"shares": ds.poststrat(n, gold), "se_class0_stratified_plugin": plain, "se_class0_smoothed": smooth}


def proportion(method: str) -> Answer:
    return lambda given: {"ci": ds.proportion_interval(given["x"], given["n"], method)}


def weights(given: Given) -> Given:
    drawn = {seed: ds.poisson_weights([given["author"]], len(given["b"]), seed)[0] for seed in (given["seed"], 7)}
    return {"key_u64": str(hash_keys([given["author"]], given["seed"])[0]), "weights": drawn[given["seed"]],
            "weights_seed7": drawn[7]}  # fmt: skip


def replicates(given: Given) -> Given:
    counts = {name: (a, b) for name, (a, b) in given["author_counts_(nationalist,other)"].items()}
    made = one_cell(counts, "post", 8)
    shares = ds.prevalence(made, method="cc").values[0, 0, FRAMES.index("nationalist")]
    of, whole = made.counts[0, FRAMES.index("nationalist")] / SCALE, made.counts[0].sum(axis=0) / SCALE
    rows = np.column_stack([of, whole, shares])
    return {"point": rows[0], "replicates": rows[1:]}


def clusters(given: Given) -> Given:
    s, m = given["nationalist_per_author"], given["posts_per_author"]
    y = np.repeat([1.0, 0.0], [sum(s), sum(m) - sum(s)])
    return {
        "share": ds.cc([sum(s), sum(m) - sum(s)])[0], "se_CR0": ds.ratio_se(s, m, small_sample=False),
        "se_CR1": ds.ratio_se(s, m), "se_iid": cluster_se((y - y.mean()) / len(y)),
        "author_mean_share": ds.author_share(s, m), "kish_n_eff": ds.kish_n_eff(m),
    }  # fmt: skip


def design() -> Any:
    return interrupted_design(np.arange(20), 10)[0]


def study(given: Given, model: str, **options: Any) -> Any:
    return ds.event_study((given["y"], given["n"]), 10, model=model, placebo=False, **options)


def squares(given: Given) -> Given:
    share, n = np.array(given["y"]) / np.array(given["n"]), given["n"]
    hac, weighted = study(given, "ols_hac", lags=3), least_squares(share, design(), weights=n, lags=3)
    return {"beta": hac.beta, "se_HAC3": hac.se, "se_iid": least_squares(share, design()).se,
            "wls_beta": weighted.beta, "wls_se_HAC3": weighted.se}  # fmt: skip


def binomial_model(given: Given) -> Given:
    y, n = np.array(given["y"]), np.array(given["n"])
    plain, quasi = study(given, "binomial"), study(given, "quasibinomial").fit
    saturated = float(binom.logpmf(y, n, y / n).sum())
    return {"beta": plain.beta, "se": plain.se, "se_HAC3": study(given, "binomial", lags=3).se,
            "deviance": 2.0 * (saturated - plain.fit.criterion),
            "pearson_chi2": quasi.dispersion * (len(y) - 4)}  # fmt: skip


def quasi_binomial(given: Given) -> Given:
    made = study(given, "quasibinomial")
    assert quasibinomial(given["y"], given["n"], design()).se.tolist() == made.se.tolist()
    return {"beta": made.beta, "se_binomial": study(given, "binomial").se, "se_quasi": made.se,
            "dispersion_pearson_over_df": made.fit.dispersion}  # fmt: skip


def beta_binomial(given: Given) -> Given:
    made = study(given, "beta_binomial")
    rho = made.fit.dispersion
    return {"beta": made.beta, "rho": rho, "log_s": math.log(1.0 / rho - 1.0), "loglik": made.fit.criterion,
            "loglik_binomial": study(given, "binomial").fit.criterion}  # fmt: skip


def one_step(given: Given) -> Given:
    z, v = working_response(given["y"], given["n"], design() @ binomial(given["y"], given["n"], design()).beta)
    made: Given = {"z": z, "v": v}
    for s2, phi in ((0.05, 0.5), (0.8, 0.0), (0.5, -0.4)):
        criterion, beta, se = gls_ar1(z, v, design(), np.arange(20), sigma2=s2, phi=phi)
        made[f"s2={s2},phi={phi}"] = {"neg_REML": criterion, "beta": beta, "se": se}
    return made


def latent(given: Given) -> Given:
    made = study(given, "binomial_ar1")
    return {"beta": made.beta, "se": made.se, "df": made.df, "s2": made.sigma2, "phi": made.phi,
            "neg_pen_reml": made.fit.criterion}  # fmt: skip


def change_points(given: Given) -> Given:
    return {"jump1": list(ds.pelt(given["signal"], cost="l2", pen=given["pen"], min_size=2))}


def alpha(given: Given) -> Given:
    data = given["reliability_data"]
    levels = ("nominal", "ordinal", "interval", "ratio")
    made: Given = {level: ds.krippendorff_alpha(data, level, rows="coders") for level in levels}
    codes, values = read_array(np.array(data, dtype=object).T)
    made["coincidence_matrix"] = Sums.count(codes, len(values)).together
    made["jackknife_se_over_11_pairable_units"] = {
        level: ds.krippendorff_alpha(data, level, ci="jackknife", rows="coders").se for level in levels[:3]
    }
    return made


def alpha_of_two(given: Given) -> Given:
    return {"nominal": ds.krippendorff_alpha(given["reliability_data"], "nominal", rows="coders")}


def calibration(given: Given) -> Given:
    logits, y = given["logits"], given["y"]
    shares, scaled = softmax(logits, axis=1).tolist(), ds.TemperatureScaling().fit(logits, y)
    curve = ds.risk_coverage(shares, y)
    wrong = np.argmax(shares, axis=1) != np.array(y)
    assert float(curve) == pytest.approx(float(ds.aurc(np.max(shares, axis=1).tolist(), wrong.tolist())))
    return {
        "T_star": float(scaled), "nll_T1": ds.nll(shares, y), "nll_Tstar": ds.nll(scaled.predict_proba(logits), y),
        "brier_T1": ds.brier(shares, y), **{f"ece{bins}_T1": ds.ece(shares, y, bins=bins) for bins in (5, 10, 15)},
        "accuracy": 1.0 - curve.risks[-1], "risk_coverage": curve.risks, "AURC": curve.aurc,
    }  # fmt: skip


def one_class(given: Given) -> Given:
    score, y = given["score"], given["y"]
    line = ds.platt(score, y)
    return {"isotonic": ds.isotonic(score, y), "platt_a": line.a, "platt_b": line.b,
            "platt_pred_0.25_0.75": line.of([0.25, 0.75])}  # fmt: skip


def drift(given: Given) -> Given:
    x, y = given["x"], given["y"]
    at = sorted({*x, *y})
    first, second = ([one.count(point) for point in at] for one in (x, y))
    gap = ds.ks(x, y)
    return {
        "PSI": ds.psi(given["expected"], given["actual"]), "KS": float(gap), "KS_p_exact": gap.p,
        "MMD2_unbiased": float(ds.mmd(x, y, sigma=0.25)),
        "MMD2_biased": float(ds.mmd(x, y, sigma=0.25, unbiased=False)),
        "energy_distance": ds.energy_distance(first, second, at),
    }  # fmt: skip


# By the beginning of a case's name; the first that fits answers.
OURS: dict[str, Answer] = {
    "agreement_A_": agreement, "esteban_ray_": esteban_ray, "er1_unbiased_": esteban_ray_of_counts,
    "bimodality_coefficient_": bimodality, "between_group_": between, "pole_share": poles, "affective_": affective,
    "dip_continuous": dip_of_a_score, "dip_trap_3class": dip_of_classes, "leave_out_": leave_out,
    "karate_network": karate, "acc_": adjusted, "rogan_gladen_binary": rogan_gladen, "sld_em_": em, "ppi_": powered,
    "dsl_mean_": dsl, "poststrat_": poststrat,
    **{f"prop_ci_{method}": proportion(method) for method in ("wilson", "jeffreys", "beta", "agresti_coull")},
    "poisson_weight_": weights, "poisson_bootstrap_replicates": replicates, "cluster_sandwich": clusters,
    "its_ols_hac": squares, "its_binomial_glm": binomial_model, "its_quasibinomial": quasi_binomial,
    "its_beta_binomial": beta_binomial, "its_pql_ar1_fixed": one_step, "its_pql_ar1_converged": latent,
    "pelt_l2": change_points, "krippendorff_4coders": alpha, "krippendorff_binary": alpha_of_two,
    "calibration_": calibration, "isotonic_platt": one_class, "drift_": drift,
}  # fmt: skip


def answer_of(name: str) -> Answer | None:
    return next((of for beginning, of in OURS.items() if name.startswith(beginning)), None)


def differences(made: Any, wanted: Any, tol: float, name: str = "") -> list[str]:
    """Every number of `wanted` that `made` lacks or misses by more than `tol`, by name."""
    if isinstance(wanted, dict):
        missing = [f"{name}{key} has no answer" for key in wanted if key not in made]
        return missing + [
            one for key in wanted if key in made for one in differences(made[key], wanted[key], tol, f"{name}{key}.")
        ]
    if isinstance(wanted, str):
        return [] if made == wanted else [f"{name} is {made}, wanted {wanted}"]
    loose = LOOSER.get(name.rstrip("."), {"abs": tol})
    got, want = np.asarray(made, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    if got.shape != want.shape:
        return [f"{name} has the shape {got.shape}, wanted {want.shape}"]
    near = np.abs(got - want) <= loose.get("abs", 0.0) + loose.get("rel", 0.0) * np.abs(want)
    return [] if near.all() else [f"{name} is {got.tolist()}, wanted {want.tolist()} within {loose}"]


def flat(value: Any) -> list[float]:
    """All numbers of a value, in order."""
    parts = value.values() if isinstance(value, dict) else [value]
    return [float(number) for part in parts for number in np.ravel(np.asarray(part, dtype=np.float64))]


@pytest.mark.parametrize("case", cases())
def test_a_case_comes_out_within_its_tolerance(case: dict[str, Any]) -> None:
    answer = answer_of(case["id"])
    assert answer is not None, f"no function answers for the case {case['id']}"
    before = json.dumps(case["input"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = answer(case["input"])
    assert json.dumps(case["input"]) == before
    wanted = {key: value for key, value in case["output"].items() if key not in INSIDE and key not in FAULTS}
    assert wanted
    assert differences(made, wanted, case["tol"]) == []
    for fault in case["output"].keys() - wanted.keys() - INSIDE:
        bad, ours = flat(case["output"][fault]), flat({name: made[name] for name in FAULTS[fault]})
        assert max(abs(a - b) for a, b in zip(bad, ours, strict=True)) > 5e-4


@pytest.mark.skipif(not FILE.is_file(), reason="needs ../shared/reference/reference_values.json")
def test_all_cases_are_there_and_every_answer_answers_for_one() -> None:
    names = [one.id for one in cases()]
    assert len(set(names)) == len(names) == MANY
    used = {answer_of(name) for name in names}
    assert set(OURS.values()) == used


def test_a_case_that_nothing_answers_for_and_a_number_that_is_off_are_caught() -> None:
    assert answer_of("its_gaussian") is None
    assert answer_of("esteban_ray_a1.0") is esteban_ray
    assert differences({"a": 1.0}, {"a": 1.0, "b": 2.0}, 1e-9) == ["b has no answer"]
    assert differences({"a": [1.0, 2.1]}, {"a": [1.0, 2.0]}, 0.05) == [
        "a. is [1.0, 2.1], wanted [1.0, 2.0] within {'abs': 0.05}"
    ]
    assert differences({"a": float("nan")}, {"a": 1.0}, 0.5) != []
    assert differences({"a": [1.0]}, {"a": [1.0, 1.0]}, 0.5) == ["a. has the shape (1,), wanted (2,)"]
    assert differences({"df": 1.019}, {"df": 1.0}, 1e-9) == []
    assert differences({"key": "12"}, {"key": "13"}, 1.0) == ["key. is 12, wanted 13"]
