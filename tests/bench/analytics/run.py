"""Processor time of the analytics beside Python's libraries: same arrays, same run, one thread, best of 3.

A library that is not installed is left out and said so. Debian's python3-scipy excludes Boost 1.81's development package
(by way of python3-pythran): install scipy, sklearn and statsmodels beside it, for instance by `dpkg -x` into a folder, and
name the folder in PYTHONPATH.
"""
import os
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
try:
    import numpy as np
except ImportError:
    sys.exit("python3-numpy is missing: apt-get install python3-numpy")


def waves(count, points, seed):
    random, t = np.random.RandomState(seed), np.arange(points)
    return np.array([100 + 20 * np.sin(2 * np.pi * t / 1440 + k) + random.randn(points) * 5 + (random.rand(points) > .995) * 60
                     for k in range(count)])


SERIES = waves(100, 1440, 1)
RANDOM = np.random.RandomState(3)
POINTS = np.vstack([RANDOM.randn(3300, 4) * .3 + c for c in (0, 3, 6)] + [RANDOM.uniform(-3, 9, (100, 4))])
LINE = POINTS[:, :1].copy()
PAIRS = waves(200, 1440, 5)
WAVE = 100 + 20 * np.sin(2 * np.pi * np.arange(2016) / 288) + np.random.RandomState(7).randn(2016) * 5
MANY = np.random.RandomState(9).randn(574, 12)
MANY[293:] += 3


def lags():
    z = (PAIRS - PAIRS.mean(1, keepdims=True)) / PAIRS.std(1, keepdims=True)
    n = z.shape[1]
    for lag in range(-10, 11):
        a, b = (z[:, :n - lag], z[:, lag:]) if lag >= 0 else (z[:, -lag:], z[:, :n + lag])
        a @ b.T / (n - abs(lag))


def partitioning():
    s = SERIES[0]
    n, c, c2 = len(s), np.r_[0, s.cumsum()], np.r_[0, (s * s).cumsum()]
    best = np.zeros(n + 1)
    for t in range(1, n + 1):
        k = np.arange(t)
        best[t] = (best[:t] + c2[t] - c2[k] - (c[t] - c[k]) ** 2 / (t - k)).min() + np.log(n) * 3 * s.var()


def peers():
    yield "correlation, lags -10..10, 200 x 200 x 1440", lags
    yield "median and quartiles, 100 x 1440", lambda: (np.median(SERIES, 1), np.percentile(SERIES, [25, 75], axis=1))
    yield "change points, 1440 points", partitioning
    try:
        from sklearn.cluster import DBSCAN
        from sklearn.ensemble import IsolationForest
        yield "isolation forest, 100 series x 1440", lambda: [
            IsolationForest(random_state=0, max_samples=256).fit(s[:, None]).score_samples(s[:, None]) for s in SERIES]
        yield "isolation forest, 1440 x 100 features", lambda: IsolationForest(random_state=0).fit(SERIES.T).score_samples(SERIES.T)
        yield "DBSCAN, 10000 x 4", lambda: DBSCAN(eps=.5, min_samples=5).fit(POINTS)
        yield "DBSCAN, 10000 x 1", lambda: DBSCAN(eps=.05, min_samples=5).fit(LINE)
    except ImportError as problem:
        print(f"left out: scikit-learn ({problem})")
    try:
        from statsmodels.tsa.seasonal import STL
        from statsmodels.tsa.stattools import grangercausalitytests
        yield "robust STL, m=288, 2016 points", lambda: STL(WAVE, period=288, robust=True).fit()
        yield "Granger, 5 lags, 1440 points", lambda: grangercausalitytests(SERIES[:2].T, 5, verbose=False)
    except ImportError as problem:
        print(f"left out: statsmodels ({problem})")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name, array in (("series", SERIES), ("points", POINTS), ("line", LINE), ("wave", WAVE), ("many", MANY), ("pairs", PAIRS)):
            array.astype(float).tofile(os.path.join(folder, name + ".bin"))
        output = subprocess.run([os.path.join(os.environ["OPSMESH_BIN_DIR"], "opsmesh_bench_analytics"), folder], check=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    ours = dict(line.split("\t") for line in output.splitlines())
    theirs = {}
    for name, work in peers():
        best = 1e300
        for _ in range(1 if name.startswith("isolation forest, 100") else 3):
            begin = time.process_time()
            work()
            best = min(best, 1e3 * (time.process_time() - begin))
        theirs[name] = best
    print(f"{'CPU ms, one thread, best of 3':46s} {'ours':>10s} {'Python':>10s} {'times':>7s}")
    for name, ms in ours.items():
        peer = theirs.get(name)
        print(f"{name:46s} {float(ms):10.2f} " + (f"{peer:10.2f} {peer / float(ms):6.1f}x" if peer else f"{'-':>10s} {'-':>7s}"))


main()
