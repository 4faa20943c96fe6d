#!/usr/bin/env python3
"""Write tests/fixtures/stats-golden.json: what src/stats/stats.c must give, from NumPy, SciPy and plain Python.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scipy
    /tmp/venv/bin/python tools/golden_stats.py

Independent of the C code but for the random numbers, which are transcribed here from the published generators, so that
resamples and sign patterns are the same ones.
"""

import itertools
import json
import math
import sys
from fractions import Fraction

import numpy as np
import scipy.stats

MASK = (1 << 64) - 1


class Rng:
    """xoshiro256** seeded by splitmix64, and Lemire's bounded numbers (32 bits)."""

    def __init__(self, seed):
        self.s = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = seed
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
            z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
            self.s.append(z ^ z >> 31)

    def next(self):
        def rotl(x, k):
            return (x << k | x >> (64 - k)) & MASK

        s = self.s
        result = rotl(s[1] * 5 & MASK, 7) * 9 & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
        return result

    def below(self, n):
        threshold = (1 << 32) % n
        while True:
            m = (self.next() >> 32) * n
            if m & 0xFFFFFFFF >= threshold:
                return m >> 32


def flip_p_exact(sums):
    """All sign patterns in exact rational arithmetic: ties are ties."""
    exact = [Fraction(x) for x in sums]
    observed = abs(sum(exact))
    hits = sum(
        abs(sum(s * x for s, x in zip(signs, exact))) >= observed
        for signs in itertools.product((1, -1), repeat=len(exact))
    )
    return hits / 2 ** len(exact)


def flip_p_random(sums, n_boot, rng):
    """n_boot sign patterns; if fewer than ten are as big as the observed one, 32768 of them."""
    exact = [Fraction(x) for x in sums]
    observed = abs(sum(exact))
    hits = 0
    for n in range(1, max(n_boot, 32768) + 1):
        words = [rng.next() for _ in range((len(sums) + 63) // 64)]
        signs = [-1 if words[c // 64] >> (c % 64) & 1 else 1 for c in range(len(sums))]
        hits += abs(sum(s * x for s, x in zip(signs, exact))) >= observed
        if n == n_boot and hits >= 10:
            break
    return (hits + 1) / (n + 1)


def interval(means, cluster, alpha):
    """Percentiles, further out the fewer clusters there are."""
    sizes = np.bincount(cluster).astype(float)
    n = max(sizes.sum() ** 2 / (sizes**2).sum(), 2.0)  # clusters of one size that would say as much
    tail = scipy.stats.norm.cdf(-math.sqrt(n / (n - 1)) * scipy.stats.t.isf(alpha / 2, n - 1))
    return np.quantile(means, [tail, 1 - tail], method="linear")


def estimate(name, values, cluster, n_boot, seed, alpha):
    n_clusters = max(cluster) + 1
    rng = Rng(seed)
    draws = [[rng.below(n_clusters) for _ in range(n_clusters)] for _ in range(n_boot)]
    values_of = [[v for v, c in zip(values, cluster) if c == k] for k in range(n_clusters)]
    means = []
    for draw in draws:  # the definition itself: pool the rows of the drawn clusters, take their mean
        pooled = [v for c in draw for v in values_of[c]]
        means.append(math.fsum(pooled) / len(pooled))
    # A cluster's sum in row order, as the rounding of ties hangs on it.
    sums = [sum(v) for v in values_of]
    p = None  # too few to test
    if n_clusters >= 6:
        p = flip_p_exact(sums) if n_clusters <= 12 else flip_p_random(sums, n_boot, rng)
    lo, hi = interval(means, cluster, alpha)
    return {
        "name": name,
        "values": values,
        "cluster": cluster,
        "n_clusters": n_clusters,
        "n_boot": n_boot,
        "seed": seed,
        "alpha": alpha,
        "mean": math.fsum(values) / len(values),
        "se": float(np.std(means, ddof=1)),
        "ci_lo": float(lo),
        "ci_hi": float(hi),
        "p": p,
    }


def clustered(gen, n, n_clusters):
    """Every cluster at least once, the rest at random, in mixed order."""
    c = list(range(n_clusters)) + gen.integers(0, n_clusters, n - n_clusters).tolist()
    gen.shuffle(c)
    return [int(x) for x in c]


def estimates(gen):
    normal = lambda n, mean: [float(x) for x in gen.normal(mean, 1.0, n)]
    return [
        estimate("five clusters, too few", normal(17, 0.6), clustered(gen, 17, 5), 200, 1, 0.05),
        estimate("twelve clusters, exact", normal(30, 0.4), clustered(gen, 30, 12), 301, 2, 0.1),
        estimate("nine equal clusters, ties", [0.1] * 9, list(range(9)), 100, 3, 0.05),
        estimate("whole numbers with ties", [1.0, 0.0, 1.0, 1.0, 0.0, -1.0, 1.0, 0.0], list(range(8)), 64, 4, 0.05),
        estimate("mean of zero", [1.5, -1.5, 0.3, -0.3], [0, 1, 2, 3], 50, 5, 0.05),
        estimate("thirteen clusters, random", normal(26, 0.3), clustered(gen, 26, 13), 500, 6, 0.05),
        estimate("seventy clusters, two words", normal(150, 0.1), clustered(gen, 150, 70), 400, 2**63 + 11, 0.05),
        estimate("a clear effect, more patterns", normal(24, 1.1), clustered(gen, 24, 14), 300, 8, 0.05),
        estimate("more resamples than a tile", normal(20, 0.2), clustered(gen, 20, 15), 1500, 7, 0.01),
    ]


def ratio(name, above, below, cluster, n_boot, seed, alpha):
    """Of sums, over resamples of the same clusters; nothing but the ratio itself where a resample has nothing below."""
    n_clusters = max(cluster) + 1
    above, below, rng = np.array(above), np.array(below), Rng(seed)
    sums = np.stack([[x[np.array(cluster) == c].sum() for c in range(n_clusters)] for x in (above, below)])
    sizes = np.bincount(cluster)
    draws = [[rng.below(n_clusters) for _ in range(n_clusters)] for _ in range(n_boot)]
    tops, bottoms = (np.array([s[d].sum() / sizes[d].sum() for d in draws]) for s in sums)
    whole = bool((bottoms != 0).all())
    ratios = tops / bottoms if whole else np.array([])
    ends, bottom_ends = (interval(x, cluster, alpha) if whole else (-1, 1) for x in (ratios, bottoms))
    return {
        "name": name,
        "above": above.tolist(),
        "below": below.tolist(),
        "cluster": cluster,
        "n_clusters": n_clusters,
        "n_boot": n_boot,
        "seed": seed,
        "alpha": alpha,
        "mean": float(above.sum() / below.sum()),
        "se": float(np.std(ratios, ddof=1)) if whole else None,
        "ci_lo": float(ends[0]) if whole else None,
        "ci_hi": float(ends[1]) if whole else None,
        "small": not (bottom_ends[0] > 0 or bottom_ends[1] < 0),
    }


def ratios(gen):
    def rows(n, above, below):
        b = gen.normal(below, 1.0, n)
        return (above * b + gen.normal(0, 0.3, n)).tolist(), b.tolist()

    return [
        ratio("a clear denominator", *rows(24, 0.7, 4.0), clustered(gen, 24, 9), 300, 21, 0.05),
        ratio("below is negative", *rows(30, 1.2, -3.0), clustered(gen, 30, 14), 200, 22, 0.1),
        ratio("below may be nothing", *rows(20, 0.5, 0.1), clustered(gen, 20, 8), 250, 23, 0.05),
        ratio("all of it comes back", *[[2.5, 1.5, 3.25, 4.0, 0.5]] * 2, [0, 1, 2, 3, 4], 100, 24, 0.05),
        ratio("some resamples have nothing below", [1.0, 0.0, 2.0, 0.0], [1.0, 0.0, 3.0, 0.0], [0, 1, 2, 3], 400, 25, 0.05),
    ]


def fdr_cases(gen):
    lists = [
        [0.01, 0.04, 0.03, 0.005, 0.8],
        [0.5],
        [0.02, 0.02, 0.02],
        [1.0, 0.9, 0.95],
        [float(x) for x in gen.uniform(0, 1, 60) ** 3],
    ]
    return [{"p": p, "q": [float(x) for x in scipy.stats.false_discovery_control(p)]} for p in lists]


def spearman_cases(gen):
    a = [float(x) for x in gen.normal(0, 1, 40)]
    pairs = [
        (a, [x + float(e) for x, e in zip(a, gen.normal(0, 1, 40))]),
        ([1.0, 2.0, 2.0, 3.0, 5.0], [2.0, 1.0, 4.0, 4.0, 4.0]),
        ([float(x) for x in gen.integers(0, 4, 50)], [float(x) for x in gen.integers(0, 3, 50)]),
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]),
    ]
    return [{"a": x, "b": y, "rho": float(scipy.stats.spearmanr(x, y).statistic)} for x, y in pairs]


def ranked(means):
    """Largest size first, the earlier of equals."""
    return sorted(range(len(means)), key=lambda i: (-abs(means[i]), i))


def split_halves(sums, seed):
    rng, n = Rng(seed), sums.shape[1]
    rhos = []
    for _ in range(200):
        order = shuffled(rng, n)
        first, second = sums[:, order[: n // 2]].sum(1), sums[:, order[n // 2 :]].sum(1)
        rhos.append(scipy.stats.spearmanr(first, second).statistic)
    return np.array(rhos)


def student_cases():
    cases = [(p, dof) for p in (0.5, 0.1, 0.025, 0.005, 5e-5) for dof in (1.0, 1.37, 2.0, 7.8, 15.0, 159.0, 999.0)]
    return [{"p": p, "dof": dof, "t": float(scipy.stats.t.isf(p, dof))} for p, dof in cases]


def shuffled(rng, n):
    order = list(range(n))
    for i in range(n, 1, -1):
        j = rng.below(i)
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def chance(sums, n_kept, k, seed):
    """Every cluster's sign by a coin; of the n_kept largest, how halves agree and how a resample's top k is the sample's."""
    rng, n = Rng(seed), sums.shape[1]
    rhos, overlaps = [], []
    for _ in range(200):
        sign = np.array([-1.0 if rng.next() >> 63 else 1.0 for _ in range(n)])
        order = shuffled(rng, n)
        draw = [rng.below(n) for _ in range(n)]
        flipped = sums * sign
        kept = ranked(flipped.sum(1))[:n_kept]
        first, second = flipped[:, order[: n // 2]].sum(1), flipped[:, order[n // 2 :]].sum(1)
        rhos.append(scipy.stats.spearmanr(first[kept], second[kept]).statistic)
        again = flipped[:, draw].sum(1)[kept]
        overlap = len([i for i in ranked(again)[:k] if i < k])
        overlaps.append(overlap / (2 * k - overlap))
    return float(np.nanmean(rhos)), float(np.mean(overlaps))


def stability_case(gen, n, rows, n_clusters, n_boot, seed, least):
    """n variants whose effects grow with their number; every number is a multiple of 1/64, so that sums are exact."""
    cluster = np.array(clustered(gen, rows, n_clusters))
    deltas = np.round(64 * (gen.normal(0, 1, (n, rows)) + np.linspace(-1.5, 1.5, n)[:, None])) / 64
    sums = np.stack([deltas[:, cluster == c].sum(1) for c in range(n_clusters)], axis=1)
    sizes = np.bincount(cluster)
    kept = np.flatnonzero(abs(deltas.mean(1)) >= least)
    every, sums = sums, sums[kept]
    rhos = split_halves(sums, seed)
    k = min(10, len(kept) // 2)
    top = set(ranked(deltas[kept].mean(1))[:k])
    rng = Rng(seed)
    stays, overlaps = np.zeros(len(kept)), []
    for _ in range(min(n_boot, 1000)):
        draw = [rng.below(n_clusters) for _ in range(n_clusters)]
        here = set(ranked(sums[:, draw].sum(1) / sizes[draw].sum())[:k])
        stays[list(here)] += 1
        overlaps.append(len(top & here) / len(top | here))
    rho = float(rhos.mean())
    lo, hi = np.quantile(rhos, [0.025, 0.975])
    return {
        "n": n,
        "cluster": [int(c) for c in cluster],
        "n_clusters": n_clusters,
        "n_boot": n_boot,
        "seed": seed,
        "least": least,
        "n_ranked": len(kept),
        "deltas": [float(x) for x in deltas.ravel()],
        "split_half": rho,
        "split_half_lo": float(lo),
        "split_half_hi": float(hi),
        "spearman_brown": 2 * rho / (1 + rho),
        "top_k": k,
        "top_jaccard": float(np.mean(overlaps)),
        "stays": [float(stays[list(kept).index(v)]) / len(overlaps) if v in kept else None for v in range(n)],
        "chance": chance(every, len(kept), k, seed),
    }


def fisher_cases():
    cases = [(f, a, b) for f in (0.0, 0.3, 1.0, 2.5, 40.0) for a, b in ((1.0, 4.0), (15.0, 64.0), (3.7, 11.2), (45.0, 180.0))]
    return [{"f": f, "a": a, "b": b, "p": float(scipy.stats.f.sf(f, a, b))} for f, a, b in cases]


def groups_case(name, values, group, unit, alpha):
    """Each group by its own definition, from lists of rows; p from groups as independent samples of units."""
    n_groups, values = max(group) + 1, np.array(values)
    group, unit = np.array(group), np.array(unit)
    out = {k: [] for k in ("mean", "se", "ci_lo", "ci_hi", "without", "n_units")}
    sizes, spreads, means = [], [], []
    for k in range(n_groups):
        here = values[group == k]
        units = sorted(set(unit[group == k]))
        rest = values[group != k]
        mean = math.fsum(here) / len(here)
        per = [values[unit == u] for u in units]
        n = len(units)
        se = lo = hi = None
        if n > 1:
            off = [math.fsum(v) - mean * len(v) for v in per]
            se = math.sqrt(n / (n - 1) * math.fsum(x * x for x in off)) / len(here)
            kish = max(len(here) ** 2 / sum(len(v) ** 2 for v in per), 2)
            lo, hi = scipy.stats.t.interval(1 - alpha, kish - 1, mean, se)
            sizes.append(n), spreads.append(n * se * se), means.append(mean)
        for key, x in (("mean", mean), ("se", se), ("ci_lo", lo), ("ci_hi", hi), ("n_units", n)):
            out[key].append(None if x is None else float(x))
        out["without"].append(math.fsum(rest) / len(rest) if len(rest) else None)
    n, s2, m = (np.array(x, dtype=float) for x in (sizes, spreads, means))
    p = None
    if len(n) >= 2 and n.sum() >= 6:
        c = 1 - n / n.sum()
        f = (n * (m - np.average(m, weights=n)) ** 2).sum() / (c * s2).sum()
        shares = n / n.sum()
        a = (c * s2).sum() ** 2 / ((s2**2).sum() + (s2 * shares).sum() ** 2 - 2 * (s2**2 * shares).sum())
        b = 1 / (((c * s2) / (c * s2).sum()) ** 2 / (n - 1)).sum()
        p = float(scipy.stats.f.sf(f, a, b))
    return {
        "name": name,
        "values": values.tolist(),
        "group": group.tolist(),
        "unit": unit.tolist(),
        "alpha": alpha,
        "p": p,
        **out,
    }


def groups(gen):
    def rows(units_of, rows_of, means):
        values, group, unit = [], [], []
        for k, n in enumerate(units_of):
            for _ in range(n):
                u, of_unit = len(set(unit)), gen.normal(means[k], 0.5)
                for _ in range(rows_of()):
                    values.append(float(of_unit + gen.normal(0, 1)))
                    group.append(k)
                    unit.append(u)
        order = gen.permutation(len(values))
        return [values[i] for i in order], [group[i] for i in order], [unit[i] for i in order]

    return [
        groups_case("four groups alike", *rows([5, 5, 5, 5], lambda: 1, [0.0] * 4), 0.05),
        groups_case("one stands out", *rows([6, 9, 4], lambda: int(gen.integers(1, 4)), [0.0, 0.0, 3.0]), 0.1),
        groups_case("a group of one unit", *rows([5, 1, 7], lambda: 2, [0.0, 1.0, 0.5]), 0.05),
        groups_case("too few units", *rows([2, 3], lambda: 2, [0.0, 1.0]), 0.05),
        groups_case("one group", *rows([7], lambda: 1, [1.0]), 0.05),
    ]


def main():
    gen = np.random.default_rng(20240607)
    golden = {
        "schema": "abltui.stats_golden/1",
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
        "estimates": estimates(gen),
        "fdr": fdr_cases(gen),
        "spearman": spearman_cases(gen),
        "student": student_cases(),
        "stability": [
            stability_case(gen, 24, 30, 13, 150, 9, 0.0),
            stability_case(gen, 7, 16, 16, 1200, 3, 0.0),
            stability_case(gen, 24, 40, 12, 200, 5, 0.5),
        ],
        "ratios": ratios(gen),
        "fisher": fisher_cases(),
        "groups": groups(gen),
    }
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/fixtures/stats-golden.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(golden, f, indent=1, allow_nan=False)
        f.write("\n")


if __name__ == "__main__":
    main()
