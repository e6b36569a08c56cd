"""FailedScheduling sentences of 1.20 and of 1.32: the same counts of the same reasons, in other words.

differences.txt holds three kinds of lines, each with a reason at its end:
  reason | 1.20's words (regular expression) | 1.32's words | why
  case | CASE/POD (glob) | WHAT (bound, node, sentence, nominated, victims, preemption) | why
"""
import fnmatch
import re

WHOLE = re.compile(r"0/(\d+) nodes are available: (.*?)\.(?: preemption: (.*))?$", re.S)
NOT_HELPFUL = "Preemption is not helpful for scheduling"


class Rules:
    def __init__(self, path):
        self.words, self.cases = [], []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if not line.strip() or line.startswith("#"):
                    continue
                kind, one, other, why = [part.strip() for part in line.split(" | ", 3)]
                (self.words if kind == "reason" else self.cases).append([re.compile(one) if kind == "reason" else one, other, why, 0])

    def modern(self, reason):
        for rule in self.words:
            if rule[0].fullmatch(reason):
                rule[3] += 1
                return rule[0].sub(rule[1], reason)
        return reason

    def excuse_case(self, pod, what):
        for rule in self.cases:
            if fnmatch.fnmatch(pod, rule[0]) and rule[1] == what:
                rule[3] += 1
                return True
        return False

    def unused(self):
        return [f"{getattr(rule[0], 'pattern', rule[0])} | {rule[1]} | {rule[2]}" for rule in self.words + self.cases if rule[3] == 0 and not rule[2].startswith("sometimes:")]


def counted(text):
    """"2 Insufficient cpu, 3 node(s) had ..., that ..." -> {reason: count}; a part that begins without a number belongs to the one before it."""
    counts, last = {}, None
    for part in text.split(", "):
        match = re.fullmatch(r"(\d+) (.*)", part, re.S)
        if match:
            last = match.group(2)
            counts[last] = int(match.group(1))
        elif last is not None:
            counts[last + ", " + part] = counts.pop(last)
            last = last + ", " + part
        else:
            last, counts[part] = part, None
    return counts


def compare_sentences(real, ours, rules):
    a, b = WHOLE.fullmatch(real), WHOLE.fullmatch(ours)
    if a is None or b is None:
        if real != ours:
            yield "sentence", real, ours
        return
    theirs = {}
    for reason, count in counted(a.group(2)).items():
        words = rules.modern(reason)
        if words:
            theirs[words] = theirs.get(words, 0) + (count or 0)
    mine = {reason: count if count is not None else int(b.group(1)) for reason, count in counted(b.group(2)).items()}
    if theirs != mine or a.group(1) != b.group(1):
        same = set(theirs.items()) & set(mine.items())
        yield "sentence", dict(set(theirs.items()) - same), dict(set(mine.items()) - same)
    yield from preemption(b)


def preemption(match):
    """1.32 says of every node why nobody was asked to go."""
    if match.group(3) is None or match.group(3).startswith("not eligible due to"):
        return
    inner = WHOLE.fullmatch(match.group(3))
    if inner is None or sum(count or 0 for count in counted(inner.group(2)).values()) < int(match.group(1)):
        yield "preemption", "a word for every node", match.group(3)
