"""What `abltui ov`, `cluster` and `compare` say, worked out once more from the reports' own numbers.

    tests/support/ov_reports.py report FILE…            a report is in itself consistent
    tests/support/ov_reports.py compare FILE [FOLDER]    compare.json; its reports' paths are as from the folder
    tests/support/ov_reports.py cluster FILE TOP_N       ov_clusters.json
"""
import json
import math
import sys
from collections import Counter
from pathlib import Path


def load(path):
    return json.loads(Path(path).read_text())


def near(a, b, what, within=1e-9):
    assert (a is None) == (b is None), (what, a, b)
    assert a is None or abs(a - b) <= within * max(1, abs(b)), (what, a, b)


def cosine(a, b):
    length = math.sqrt(math.fsum(x * x for x in a)) * math.sqrt(math.fsum(x * x for x in b))
    return math.fsum(x * y for x, y in zip(a, b)) / length if length else None


def texts(tokens):
    return {t["token"] for t in tokens}


def jaccard(a, b):
    return len(a & b) / len(a | b) if a | b else None


def scores(tokens):
    """By text, the larger one where several ids have it."""
    out = {}
    for t in tokens["top"] + tokens["bottom"]:
        out[t["token"]] = max(t["logit"], out.get(t["token"], -math.inf))
    return out


def ranks(values):
    """Equal ones share the mean of their places."""
    return [sum(v < x for v in values) + (sum(v == x for v in values) + 1) / 2 for x in values]


def spearman(a, b):
    common = sorted(a.keys() & b.keys())
    if len(common) < 3:
        return None, len(common)
    x, y = ranks([a[t] for t in common]), ranks([b[t] for t in common])
    mx, my = sum(x) / len(x), sum(y) / len(y)
    xy = math.fsum((p - mx) * (q - my) for p, q in zip(x, y))
    xx, yy = math.fsum((p - mx) ** 2 for p in x), math.fsum((q - my) ** 2 for q in y)
    return (xy / math.sqrt(xx * yy) if xx and yy else None), len(common)


def by_head(report):
    return {(h["layer"], h["head"]): h for h in report["heads"]}


def check_pair(pair, a, b):
    one_space = "vocab_sha256" in a and a["vocab_sha256"] == b.get("vocab_sha256")
    assert pair["same_vocabulary"] == one_space, pair
    ha, hb = by_head(a), by_head(b)
    assert [(h["layer"], h["head"]) for h in pair["heads"]] == [h for h in ha if h in hb]
    agree = set()
    for h in pair["heads"]:
        place = h["layer"], h["head"]
        x, y = ha[place], hb[place]
        near(h["cosine"], cosine(x["vector"], y["vector"]) if one_space else None, (place, "cosine"))
        for end in ("top", "bottom"):
            near(h["overlap_" + end], jaccard(texts(x["tokens"][end]), texts(y["tokens"][end])), (place, end))
        correlation, common = spearman(scores(x["tokens"]), scores(y["tokens"]))
        assert h["n_common"] == common, (place, common, h)
        near(h["rank_correlation"], correlation, (place, "correlation"))
        if h["cosine"] is not None:
            expected = h["cosine"] >= 0.8
        else:
            expected = (h["overlap_top"] + h["overlap_bottom"]) / 2 >= 0.25 and (correlation or 0) > 0
        assert h["agree"] == expected, h
        if expected:
            agree.add(place)
    return agree


def check_compare(path, folder="."):
    found = load(path)
    reports = [load(Path(folder) / r["path"]) for r in found["reports"]]
    n = len(reports)
    for said, report in zip(found["reports"], reports):
        assert (said["model"], said["condition"], said["kind"]) == (report["model"], report["condition"], report["kind"])
        assert said["n_heads"] == len(report["heads"])
    assert [(p["a"], p["b"]) for p in found["pairs"]] == [(i, k) for i in range(n) for k in range(i + 1, n)]
    everywhere = set.intersection(*(check_pair(p, reports[p["a"]], reports[p["b"]]) for p in found["pairs"]))
    assert {(h["layer"], h["head"]) for h in found["agree_everywhere"]} == everywhere, everywhere


def check_cluster(path, top_n):
    found = load(path)
    heads = [h for r in found["reports"] for h in load(r)["heads"]]
    assert found["n_heads"] == len(heads)
    for end in ("top", "bottom"):
        count = Counter(t["token"] for h in heads for t in h["tokens"][end][:found["limit"]])
        order = sorted(count.items(), key=lambda c: (-c[1], c[0].encode()))
        assert [(c["token"], c["count"]) for c in found[end]] == order[:int(top_n)], (end, found[end], order[:10])


def check_ends(tokens):
    top, bottom = ([t["logit"] for t in tokens[end]] for end in ("top", "bottom"))
    assert len(top) == len(bottom) and top == sorted(top, reverse=True) and bottom == sorted(bottom)
    assert all(len({t["token_id"] for t in tokens[end]}) == len(top) for end in tokens)


def check_report(*paths):
    for path in paths:
        report = load(path)
        for h in report["heads"]:
            check_ends(h["tokens"])
            near(h["vector_norm"], math.sqrt(math.fsum(x * x for x in h["vector"])), "vector_norm", 1e-5)
            if report["kind"] == "circuit":
                near(h["copying_score"], math.fsum(re for re, _ in h["eigenvalues"])
                     / math.fsum(math.hypot(*v) for v in h["eigenvalues"]), "copying_score", 1e-6)
                for s in h["sources"]:
                    check_ends(s["tokens"])
                    above = [t for t in s["tokens"]["top"] if t["logit"] > s["own_logit"]]
                    assert len(above) == min(s["own_rank"], len(s["tokens"]["top"])), s


if __name__ == "__main__":
    {"report": check_report, "compare": check_compare, "cluster": check_cluster}[sys.argv[1]](*sys.argv[2:])
