#!/usr/bin/env python3
"""What other people's libraries answer on small arrays: scikit-learn, statsmodels, scipy, numpy.

    peers.py --make > peers.txt    makes the fixture that peers_test.cc judges ours by (Debian 12's versions made the one kept here)
    peers.py                       makes it anew and compares; skipped, and loudly, where the libraries are not installed

A line of the fixture: a name, then numbers. "dbscan/d2/data" and "dbscan/d2/labels" belong together.
"""
import math
import os
import sys
import warnings

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
warnings.filterwarnings("ignore")
# Where `./dev bench analytics` unpacks them.
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "..", "..", "build", "peers", "usr", "lib", "python3", "dist-packages"))
try:
    import numpy as np
    from scipy import stats
    from sklearn.cluster import DBSCAN
    from sklearn.ensemble import IsolationForest
    from statsmodels.stats.multitest import multipletests
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    from statsmodels.tsa.holtwinters import ExponentialSmoothing
    from statsmodels.tsa.seasonal import STL
    from statsmodels.tsa.stattools import ccf, grangercausalitytests
except ImportError as problem:
    print("*" * 100, f"SKIPPED: scikit-learn, statsmodels or scipy is not installed ({problem});",
          "the detectors are judged by the values kept in libs/analytics/testdata/peers.txt alone.", "*" * 100, sep="\n")
    sys.exit(77)

FIXTURE = os.path.join(HERE, "peers.txt")
rows = []


def put(name, values, digits=None):
    """Adds a line. Inputs are rounded first, so that both sides work on the same numbers."""
    rows.append((name, [float(v) for v in np.asarray(values, dtype=float).ravel()], digits))


def rounded(array, digits):
    return np.round(np.asarray(array, dtype=float), digits)


def dbscan(random):
    cases = {
        "d1": (np.r_[random.randn(150) * .2, 3 + random.randn(150) * .2, random.uniform(-2, 6, 40)][:, None], .08, 5),
        "d2": (np.vstack([random.randn(150, 2) * .3 + c for c in (0, 2)] + [random.uniform(-2, 4, (40, 2))]), .25, 5),
        "d4": (np.vstack([random.randn(120, 4) * .3 + c for c in (0, 3)] + [random.uniform(-2, 5, (40, 4))]), .5, 5),
        "d6": (np.vstack([random.randn(80, 6) * .3 + c for c in (0, 2)] + [random.uniform(-1, 3, (20, 6))]), .8, 4),
        # Points of a lattice: many lie exactly at the radius, and many are the same.
        "ties": (random.randint(0, 17, (240, 2)), 1.0, 4),
    }
    for name, (data, eps, least) in cases.items():
        data = rounded(data, 3)
        put(f"dbscan/{name}/data", data, 3)
        put(f"dbscan/{name}/parameters", [data.shape[1], eps, least])
        put(f"dbscan/{name}/labels", DBSCAN(eps=eps, min_samples=least).fit(data).labels_)


def forest(random):
    for name, data in {"d1": np.r_[random.randn(280), [6, -5, 9]][:, None],
                       "d4": np.vstack([random.randn(240, 4), random.randn(8, 4) * 3 + 4])}.items():
        data = rounded(data, 3)
        # The mean of ten forests: one alone has noise of its own.
        scores = np.mean([-IsolationForest(n_estimators=100, max_samples=min(256, len(data)), random_state=s).fit(data).score_samples(data)
                          for s in range(10)], axis=0)
        put(f"forest/{name}/data", data, 3)
        put(f"forest/{name}/features", [data.shape[1]])
        put(f"forest/{name}/scores", scores, 6)


def relations(random):
    n = 240
    cause = rounded(random.randn(n), 3)
    effect = random.randn(n)
    effect[2:] += .35 * cause[:-2]
    effect[1:] += .3 * effect[:-1]
    effect = rounded(effect, 3)
    put("granger/cause", cause, 3)
    put("granger/effect", effect, 3)
    for lags in (1, 2, 5):
        forward = grangercausalitytests(np.c_[effect, cause], [lags], verbose=False)[lags][0]["ssr_ftest"][1]
        backward = grangercausalitytests(np.c_[cause, effect], [lags], verbose=False)[lags][0]["ssr_ftest"][1]
        put(f"granger/p{lags}", [forward, backward])
    put("ccf/ahead", ccf(effect, cause, adjusted=True)[:11])
    put("ccf/behind", ccf(cause, effect, adjusted=True)[:11])
    third = rounded(.5 * cause + .5 * effect + random.randn(n), 3)
    put("partial/third", third, 3)
    series = np.array([cause, effect, third])
    partial = []
    for a in range(3):
        for b in range(3):
            if a == b:
                continue
            rest = np.c_[np.ones(n), series[3 - a - b]]
            left, right = (y - rest @ np.linalg.lstsq(rest, y, rcond=None)[0] for y in (series[a], series[b]))
            partial.append(stats.pearsonr(left, right)[0])
    put("partial/coefficients", partial)
    p = rounded(np.r_[random.uniform(0, 1, 40), random.uniform(0, .01, 10)], 5)
    put("fdr/p", p, 5)
    put("fdr/rates", multipletests(p, method="fdr_bh")[1])


def hybrid_esd(x, share, alpha):
    """Rosner's generalised test with median and scaled median absolute deviation."""
    left, taken, outliers, n = list(range(len(x))), [], 0, len(x)
    for k in range(int(share * n)):
        values = x[left]
        mad = 1.4826 * np.median(np.abs(values - np.median(values)))
        if mad == 0:
            break
        distance = np.abs(values - np.median(values))
        worst = int(np.argmax(distance))
        taken.append(left.pop(worst))
        m = n - k
        t = stats.t.ppf(1 - alpha / (2 * m), m - 2)
        if distance[worst] / mad > (m - 1) * t / math.sqrt((m - 2 + t * t) * m):
            outliers = k + 1
    return taken[:outliers]


def seasons(random):
    t = np.arange(168)
    x = 50 + .05 * t + 10 * np.sin(2 * np.pi * t / 24) + random.randn(168)
    x[[40, 97, 130]] += [15, -18, 12]
    x = rounded(x, 3)
    put("stl/values", x, 3)
    fit = STL(x, period=24, robust=True).fit()
    put("stl/season", fit.seasonal, 5)
    put("stl/trend", fit.trend, 5)
    residual = rounded(fit.resid, 4)
    put("esd/values", residual, 4)
    put("esd/outliers", hybrid_esd(residual, .1, .05))
    put("esd/critical", [((n - 1) * q / math.sqrt((n - 2 + q * q) * n)) for n in (10, 50, 1000)
                         for q in [stats.t.ppf(1 - .05 / (2 * n), n - 2)]])
    y = 100 + .3 * t + 12 * np.sin(2 * np.pi * t / 12) + 3 * random.randn(168).cumsum() / 4 + 2 * random.randn(168)
    y = rounded(y, 3)
    put("smoothing/values", y, 3)
    holt_winters = ExponentialSmoothing(y, trend="add", seasonal="add", seasonal_periods=12, initialization_method="heuristic").fit()
    put("smoothing/holt_winters_sse", [holt_winters.sse])
    put("smoothing/holt_sse", [ExponentialSmoothing(y, trend="add", initialization_method="heuristic").fit().sse])
    put("smoothing/ets_sse", [ETSModel(y, error="add", seasonal="add", seasonal_periods=12).fit(disp=0).sse])


def saliency(x):
    spectrum = np.fft.fft(x)
    power = np.abs(spectrum) ** 2
    log = .5 * np.log(power + 1e-18)
    return np.abs(np.fft.ifft(spectrum * np.exp(-(np.roll(log, 1) + log + np.roll(log, -1)) / 3)))


def residuals(random):
    t = np.arange(300)
    x = 20 + 5 * np.sin(2 * np.pi * t / 50) + random.randn(300)
    x[210] += 14
    x = rounded(x, 3)
    put("saliency/values", x, 3)
    stream = np.zeros(300)
    for i in range(127, 300):
        past = x[i - 127:i + 1]
        s = saliency(np.r_[past, np.full(7, past[-6:-1].mean())])[107:128]
        stream[i] = max(0, s[-1] / s.mean() - 1)
    put("saliency/stream", stream, 8)
    whole = saliency(np.r_[x, np.full(20, x[-6:-1].mean())])[:300]  # 320 is the next size of small factors after 305
    put("saliency/batch", [max(0, whole[i] / whole[max(0, i - 20):i + 1].mean() - 1) for i in range(300)], 8)


def bocpd(random):
    """Adams and MacKay with nothing pruned; Normal-Gamma priors, scaled by the first 30 samples."""
    n, d, hazard = 90, 2, 1 / 250
    x = random.randn(n, d)
    x[55:] += [4, -3]
    x = rounded(x, 3)
    put("bocpd/values", x, 3)
    z = (x - x[:30].mean(0)) / x[:30].std(0)
    weight, mu, kappa, alpha, beta = np.ones(1), np.zeros((1, d)), np.ones(1), np.ones(1), np.ones((1, d))
    recent = np.zeros(n)
    for t in range(n):
        scale = np.sqrt(beta * (kappa + 1)[:, None] / (alpha * kappa)[:, None])
        density = np.exp(stats.t.logpdf(z[t], 2 * alpha[:, None], mu, scale).sum(1))
        joint = weight * density
        weight = np.r_[joint.sum() * hazard, joint * (1 - hazard)]
        weight /= weight.sum()
        delta = z[t] - mu
        beta = np.vstack([np.ones((1, d)), beta + (kappa / (2 * (kappa + 1)))[:, None] * delta ** 2])
        mu = np.vstack([np.zeros((1, d)), mu + delta / (kappa + 1)[:, None]])
        kappa, alpha = np.r_[1, kappa + 1], np.r_[1, alpha + .5]
        recent[t] = weight[:4].sum() if t >= 30 else 0
    put("bocpd/recent", recent, 8)


def main():
    random = np.random.RandomState(20)
    for part in (dbscan, forest, relations, seasons, residuals, bocpd):
        part(random)
    if "--make" in sys.argv:
        for name, values, digits in rows:
            print(name, " ".join(f"{v:.10g}" if digits is None else f"{round(v, digits):.10g}" for v in values))
        return 0
    with open(FIXTURE, encoding="ascii") as file:
        kept = {line.split()[0]: [float(v) for v in line.split()[1:]] for line in file}
    wrong = [name for name, values, _ in rows
             if name not in kept or not np.allclose(values, kept[name], rtol=1e-3, atol=1e-3)]
    print(f"{len(rows)} values of scikit-learn, statsmodels, scipy and numpy made anew; {len(wrong)} differ from the fixture", *wrong)
    return 1 if wrong else 0


sys.exit(main())
