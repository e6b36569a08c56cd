"""Replica plans and autoscalers on the traces of load, through POST /api/v1/predict/replay (goal L6).

Each trace is replayed from four starts for a day in steps of five minutes; what lies before, at most 14 days, is only learnt from.
Capacity of a pod = 99.9th percentile of that / 12, target 70 %, 1 to 20 pods, a pod serves at once. The figures are computed here from
the replicas the service answers, not taken from it; where the two differ, that is said.
"""
import csv
import glob
import os
import time

DAY, TARGET, LEAST, MOST, SHORTAGE = 288, 0.7, 1, 20, 10.0


def traces(data):
    for path in sorted(glob.glob(os.path.join(data, "load", "series", "*_5m.csv"))):
        if "alibaba" in path:
            continue
        with open(path, encoding="utf-8") as file:
            rows = [(float(row["ts"]), float(row["value"])) for row in csv.DictReader(file)]
        yield os.path.basename(path)[:-7], [t for t, _ in rows], [v for _, v in rows]


def quantile(values, share):
    values = sorted(values)
    at = share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (at - low) * (values[high] - values[low])


def need(load, capacity):
    exact = load / (TARGET * capacity)
    return min(MOST, max(LEAST, -int(-exact // 1)))


def judge(load, pods, capacity):
    needs = [need(v, capacity) for v in load]
    short = sum(max(0, n - p) for n, p in zip(needs, pods))
    over = sum(max(0, p - n) for n, p in zip(needs, pods))
    return (sum(v > p * capacity for v, p in zip(load, pods)) / len(load),
            sum(max(0.0, v - p * capacity) for v, p in zip(load, pods)) / max(1e-9, sum(load)),
            sum(pods) / sum(needs), (SHORTAGE * short + over) / sum(needs))


def starts(count):
    first, last = max(7 * DAY + 1, count - 8 * DAY), count - DAY
    return [start for start in (int(first + (last - first) * i / 3) for i in range(4)) if start + DAY <= count]


def run(mesh, data):
    figures, by_trace, differ, began, wall = {}, {}, 0, time.time(), 0
    for name, times, values in traces(data):
        for start in starts(len(values)):
            low = max(0, start - 14 * DAY)
            capacity = quantile(values[low:start], 0.999) / 12
            if capacity <= 0:
                continue
            load = values[start:start + DAY]
            before = time.time()
            answer = mesh.post("/api/v1/predict/replay", {
                "history": {"times": times[low:start + DAY], "values": values[low:start + DAY]}, "step_seconds": 300,
                "start_time": times[start], "capacity_qps": capacity, "target_utilization": TARGET, "min_replicas": LEAST,
                "max_replicas": MOST, "shortage_cost": SHORTAGE, "pod_start_seconds": 0, "include_replicas": True})
            wall = max(wall, time.time() - before)
            for outcome in answer["outcomes"]:
                figure = judge(load, outcome["replicas"], capacity)
                told = (outcome["saturated_share"], outcome["lost_load_share"], outcome["pods_over_oracle"], outcome["cost"])
                differ += any(abs(a - b) > 1e-6 for a, b in zip(figure, told))
                figures.setdefault(outcome["name"], []).append(figure)
                if outcome["name"] == "plan":
                    by_trace.setdefault(name, []).append(figure)
    if not figures:
        print("replica plans: no traces of load at", data)
        return None
    count = len(figures["plan"])
    print(f"replica plans, {len(by_trace)} traces, {count} starts of a day, 5-min steps, made anew each step")
    for name, rows in list(figures.items()) + [("  without " + left, [r for other, all_rows in by_trace.items() if other != left
                                                                     for r in all_rows]) for left in by_trace]:
        saturated, lost, pods, cost = (sum(column) / len(rows) for column in zip(*rows))
        print(f"  {name:24s} saturated {100 * saturated:5.2f} %  lost load {100 * lost:5.2f} %  pods/oracle {pods:5.3f}  cost {cost:5.3f}")
    print(f"  {differ} of {sum(map(len, figures.values()))} outcomes differ from what the service says of them; "
          f"longest replay {wall:.1f} s, all {time.time() - began:.0f} s")
    return tuple(sum(column) / count for column in zip(*figures["plan"]))
