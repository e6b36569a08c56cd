"""The verdict on a comparison with a real cluster, which may act a second earlier or later each time.

What is not listed is played once more, all of it: only what differs in both plays counts, and so with rules that excuse nothing.
What still differs is played a third time, where possible without all else, for a real cluster that is busy with a hundred things may not come to one of them in time.
What differed once is printed, for it may be a fault that shows seldom. A play that ends by an error (a control plane that did not start, a request without an answer)
is played again, too.
"""
import http.client
import subprocess
import traceback

# What a busy machine does; a simulator that crashed, or an answer that should not be, is no such thing (AssertionError).
TROUBLE = (OSError, RuntimeError, http.client.HTTPException, subprocess.SubprocessError)


def _print(title, wrong, idle):
    if wrong or idle:
        print(title)
    for text in wrong.values():
        print(text)
    for rule in idle:
        print("differences.txt excuses nothing: " + rule)


def verdict(look, twice=True, alone=None):
    """Exit code. look() plays both sides and returns ({name of a difference: lines to print}, [rules that excused nothing]).

    alone(names of differences): the same, of what they are about alone."""
    if not twice:
        return _exit_code(*look())
    wrong, idle = _played(look)
    if not (wrong or idle):
        return 0
    _print("-- in the first play:", wrong, idle)
    print("-- and once more:", flush=True)
    wrong, idle = _still(wrong, idle, _played(look))
    print(f"-- {len(wrong)} differences and {len(idle)} rules in both plays")
    if wrong or idle:
        _print("-- in both plays:", wrong, idle)
        by_itself = alone and not idle
        print("-- and alone:" if by_itself else "-- and a third time:", flush=True)
        wrong, idle = _still(wrong, idle, _played(alone, list(wrong)) if by_itself else _played(look))
    return _exit_code(wrong, idle)


def _played(look, *arguments):
    try:
        return look(*arguments)
    except TROUBLE:  # what is wrong for good raises again
        traceback.print_exc()
        return look(*arguments)


def _still(wrong, idle, again):
    found, unused = again
    return {name: text for name, text in found.items() if name in wrong}, [rule for rule in unused if rule in idle]


def _exit_code(wrong, idle):
    _print("", wrong, idle)
    return 1 if wrong or idle else 0
