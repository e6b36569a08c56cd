"""The verdict on a comparison with a real cluster, which may act a second earlier or later each time.

What is not listed is played once more, all of it: only what differs in both plays counts, and so with rules that excuse nothing.
What differed once is printed, for it may be a fault that shows seldom.
"""


def _print(title, wrong, idle):
    if wrong or idle:
        print(title)
    for text in wrong.values():
        print(text)
    for rule in idle:
        print("differences.txt excuses nothing: " + rule)


def verdict(look, twice=True):
    """Exit code. look() plays both sides and returns ({name of a difference: lines to print}, [rules that excused nothing])."""
    wrong, idle = look()
    if twice and (wrong or idle):
        _print("-- in the first play:", wrong, idle)
        print("-- and once more:", flush=True)
        again, still_idle = look()
        wrong = {name: text for name, text in again.items() if name in wrong}
        idle = [rule for rule in still_idle if rule in idle]
        print(f"-- {len(wrong)} differences and {len(idle)} rules in both plays")
    _print("", wrong, idle)
    return 1 if wrong or idle else 0
