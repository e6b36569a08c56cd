"""Labelled series as a cluster's monitoring yields them: twelve kinds of metrics, each as it is and with the troubles that kind
has. Made by us, seeded, the same on every machine; nothing in them is taken from the sets that detectors were tuned on.

    python3 cluster_series.py FOLDER     # writes them as CSV (time,value,in_window), one file a series
"""
import math
import os
import random
import sys

BEGIN = 1.7e9 - 1.7e9 % 86400


class Series:
    def __init__(self, name, kind, trouble, step, values, windows):
        self.name, self.kind, self.trouble, self.step = name, kind, trouble, step
        self.values, self.windows = values, windows  # windows: first and last sample of each trouble
        self.times = [BEGIN + step * i for i in range(len(values))]


def poisson(r, mean):
    if mean <= 0:
        return 0
    if mean > 60:
        return max(0, round(r.gauss(mean, math.sqrt(mean))))
    limit, k, p = math.exp(-mean), 0, r.random()
    while p > limit:
        k += 1
        p *= r.random()
    return k


def day(i, step, phase=0.0):
    """-1 at night to 1 in the afternoon."""
    return math.sin(2 * math.pi * ((i * step / 86400 + phase) % 1) - math.pi / 2)


# Kinds: a function of (random, samples, step) that makes the series as it usually is.
def cpu(r, n, step):
    level, swing, phase, kept, out = r.uniform(0.2, 2), r.uniform(0, 0.3), r.random(), 0.0, []
    for i in range(n):
        kept = 0.7 * kept + r.gauss(0, 0.7)
        out.append(max(0.005, level * (1 + swing * day(i, step, phase) + 0.06 * kept)))
    return out


def memory(r, n, step):
    """A heap that fills and is collected."""
    base, top, fill, out = r.uniform(100, 400), 0.0, 0.0, []
    top, rate = base * r.uniform(0.3, 0.8), base * r.uniform(0.004, 0.03)
    for _ in range(n):
        fill += rate * r.uniform(0.5, 1.5)
        if fill > top * r.uniform(0.92, 1.08):
            fill = top * r.uniform(0.02, 0.12)
        out.append((base + fill) * 1e6)
    return out


def restarts(r, n, step):
    level = r.choice([0, 0, 1, 3])
    return [float(level)] * n


def requests(r, n, step):
    level, swing, phase = r.uniform(20, 400), r.uniform(0.3, 0.8), r.random()
    return [float(poisson(r, level * (1 + swing * day(i, step, phase)))) for i in range(n)]


def latency(r, n, step):
    level, shape = r.uniform(0.01, 0.3), r.uniform(0.25, 0.5)
    return [level * math.exp(shape * r.gauss(0, 1)) * (r.paretovariate(3) if r.random() < 0.01 else 1) for _ in range(n)]


def queue(r, n, step):
    """Mostly empty; now and then a few wait."""
    rate, out, now = r.uniform(0.01, 0.06), [], 0
    for _ in range(n):
        if r.random() < rate:
            now += 1 + poisson(r, 1.5)
        now = max(0, now - poisson(r, 1.2))
        out.append(float(now))
    return out


def errors(r, n, step):
    rate = r.uniform(0.02, 0.15)
    return [float(poisson(r, rate)) for _ in range(n)]


def disk(r, n, step):
    """Fills slowly, is cleaned once a day."""
    level, rate, out = r.uniform(0.3, 0.5), r.uniform(0.02, 0.06) * step / 86400, []
    for i in range(n):
        level += rate * r.uniform(0, 2)
        if i and (i * step) % 86400 < step:
            level -= rate * 86400 / step * r.uniform(0.95, 1.05)
        out.append(round(level, 5))
    return out


def replicas(r, n, step):
    return [float(r.choice([2, 3, 5, 12]))] * n


def connections(r, n, step):
    """A pool in use: small whole numbers that wander."""
    mean, now, out = r.choice([4, 9, 25]), 0.0, []
    for _ in range(n):
        now = 0.5 * now + r.gauss(0, 0.3 * mean)
        out.append(float(max(0, round(mean + now))))
    return out


def network(r, n, step):
    level, swing, phase = r.uniform(1e5, 1e7), r.uniform(0.2, 0.6), r.random()
    return [level * math.exp(0.15 * r.gauss(0, 1)) * (1 + swing * day(i, step, phase)) * (1 if r.random() > 0.004 else 2.2)
            for i in range(n)]


def batch(r, n, step):
    """A job that runs every hour for a few minutes."""
    level, long, out = r.uniform(0.5, 3), r.randint(2, 6), []
    hour = max(long + 4, round(3600 / step))
    for i in range(n):
        out.append(max(0.0, (level if i % hour < long else 0.02 * level) * (1 + 0.08 * r.gauss(0, 1))))
    return out


# Troubles: change values from sample `at` on, give the last sample of the trouble (None = to the end).
def spike(r, v, at, step):
    top, low = max(v[:at]), sorted(v[:at])[at // 2]
    for i in range(at, min(len(v), at + r.randint(2, 6))):
        v[i] = top + r.uniform(2, 4) * (top - low + 0.05 * abs(low) + 1e-9)
        if low == int(low) and top == int(top):
            v[i] = float(round(v[i]))


def shift(r, v, at, step):
    past = sorted(v[max(0, at - 500):at])
    move = r.uniform(1.3, 2) * (past[int(0.98 * len(past))] - past[len(past) // 2]) * r.choice([1, 1, -1])
    for i in range(at, len(v)):
        v[i] = max(0.0, v[i] + move)


def stuck(r, v, at, step):
    for i in range(at, min(len(v), at + max(60, len(v) // 12))):
        v[i] = v[at - 1]


def jump(r, v, at, step):
    move = r.choice([1, 1, 2]) if v[0] < 2 else r.choice([1, -1, -2])
    for i in range(at, len(v)):
        v[i] = max(0.0, v[i] + move)


def crashes(r, v, at, step):
    count = 0
    for i in range(at, len(v)):
        count += r.random() < step / 300
        v[i] += count


def busier(r, v, at, step):
    """Counts that were rare come often."""
    rate = r.uniform(0.6, 1.5)
    for i in range(at, len(v)):
        v[i] += poisson(r, rate)


def backlog(r, v, at, step):
    now = 0.0
    for i in range(at, len(v)):
        now += r.uniform(0, 0.4)
        v[i] += float(int(now))


def silent(r, v, at, step):
    """No samples come for a while: values are missing."""
    for i in range(at, min(len(v), at + r.randint(25, 60))):
        v[i] = None


def flat_day(r, v, at, step):
    """The daily pattern is gone: the level stays where it was, with its noise."""
    level = sum(v[max(0, at - 10):at]) / min(10, at)
    for i in range(at, len(v)):
        v[i] = level * (1 + 0.05 * r.gauss(0, 1))
        if v[0] == int(v[0]):
            v[i] = float(round(v[i]))


def leak(r, v, at, step):
    past = sorted(v[max(0, at - 500):at])
    wide = past[int(0.95 * len(past))] - past[int(0.05 * len(past))] + 0.02 * abs(past[len(past) // 2])
    goal = r.uniform(2, 4) * wide
    for i in range(at, len(v)):
        v[i] += goal * (i - at) / (len(v) - at)


def outage(r, v, at, step):
    for i in range(at, min(len(v), at + r.randint(10, 30))):
        v[i] *= 0.02
        if v[0] == int(v[0]):
            v[i] = float(round(v[i]))


def noisier(r, v, at, step):
    past = sorted(v[max(0, at - 500):at])
    wide = past[int(0.84 * len(past))] - past[int(0.16 * len(past))]
    for i in range(at, len(v)):
        v[i] = max(0.0, v[i] + r.gauss(0, 2.2 * wide))


KINDS = {
    "cpu": (cpu, (spike, shift, stuck, silent, leak, outage)),
    "memory": (memory, (leak, shift, stuck, silent)),
    "restarts": (restarts, (jump, crashes)),
    "requests": (requests, (spike, stuck, silent, outage, flat_day)),
    "latency": (latency, (spike, shift, stuck, leak)),
    "queue": (queue, (spike, busier, backlog)),
    "errors": (errors, (spike, busier)),
    "disk": (disk, (leak, stuck, jump)),
    "replicas": (replicas, (jump,)),
    "connections": (connections, (spike, shift, stuck, silent)),
    "network": (network, (spike, outage, flat_day, noisier)),
    "batch": (batch, (outage, leak, silent)),
}


def make(seed=20260101, count=200):
    """`count` series; of every two of a kind one is as usual. Half have steps of a minute (2 days), half of 5 minutes (8 days)."""
    made, kinds = [], list(KINDS)
    for number in range(count):
        kind = kinds[number // 2 % len(kinds)]
        usual, troubles = KINDS[kind]
        turn = number // 2 // len(kinds)
        r = random.Random(seed * 1000 + number)
        step = 60 if turn % 2 == 0 else 300
        if number % 2 and troubles[turn % len(troubles)] is flat_day:
            step = 300  # days must be known before one can be missed
        n = 2880 if step == 60 else 2304
        values, windows, name = usual(r, n, step), [], "usual"
        if number % 2:
            trouble = troubles[turn % len(troubles)]
            name = trouble.__name__
            at = r.randint(int(0.6 * n), int(0.85 * n))
            if trouble is flat_day:
                at = r.randint(int(0.5 * n), int(0.6 * n))
            if trouble is jump and kind == "disk":  # a volume that is nearly full at once
                for i in range(at, n):
                    values[i] = min(0.99, values[i] + 0.35)
            else:
                trouble(r, values, at, step)
            lasts = {"spike": 12, "outage": 40, "silent": 75, "stuck": max(60, n // 12) + 10}.get(name)
            windows = [(at, n - 1 if lasts is None else min(n - 1, at + lasts))]
        made.append(Series(f"{number:03d}-{kind}-{name}", kind, name, step, values, windows))
    return made


def judge(post, mode):
    """What POST /api/v1/anomalies:detect makes of them: (recall, precision, alarms a usual series, those of no trouble found).
    An alarm within the first 15 % of a series does not count, as in NAB: there the detector learns."""
    found = of = false = of_usual = usual = 0
    missed = []
    for s in make():
        body = {"mode": mode, "series": [{"name": s.name, "times": s.times, "values": s.values}]}
        anomalies = post("/api/v1/anomalies:detect", body)["results"][0]["anomalies"]
        at = [a["index"] for a in anomalies if a["index"] >= 0.15 * len(s.times)]
        # A silence stands at the last sample before it.
        hits = [i for i in at if any(first - 1 <= i <= last for first, last in s.windows)]
        false += len(at) - len(hits)
        if not s.windows:
            usual += 1
            of_usual += len(at)
            continue
        of += 1
        found += bool(hits)
        if not hits:
            missed.append(s.name)
    return found / of, found / (found + false), of_usual / usual, missed


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for s in make():
        with open(os.path.join(folder, s.name + ".csv"), "w", encoding="utf-8") as file:
            for i, (t, v) in enumerate(zip(s.times, s.values)):
                inside = any(a <= i <= b for a, b in s.windows)
                file.write(f"{t:.0f},{'' if v is None else repr(v)},{int(inside)}\n")


if __name__ == "__main__":
    main()
