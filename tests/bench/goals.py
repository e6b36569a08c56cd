"""Goals of a benchmark: what must hold, what is aimed at, and what was measured."""


class Goals:
    """Prints a line a goal and counts those missed."""

    def __init__(self):
        self.missed = []

    def at_least(self, name, value, must, aim=None):
        self._say(name, value, must, aim, ">=", value >= must, aim is not None and value >= aim)

    def at_most(self, name, value, must, aim=None):
        self._say(name, value, must, aim, "<=", value <= must, aim is not None and value <= aim)

    def within(self, name, value, low, high):
        good = low <= value <= high
        self._line(name, value, f"{low:g} to {high:g}", "ok" if good else "MISSED", good)

    def _say(self, name, value, must, aim, sign, good, reached):
        goal = f"{sign} {must:g}" + ("" if aim is None else f" (aim {aim:g})")
        self._line(name, value, goal, "MISSED" if not good else "ok, aim reached" if reached else "ok", good)

    def _line(self, name, value, goal, verdict, good):
        print(f"  {name:58s} {value:9.3f}   {goal:22s} {verdict}", flush=True)
        if not good:
            self.missed.append(name)

    def status(self):
        """0 when nothing was missed; says what was."""
        print("missed: " + ", ".join(self.missed) if self.missed else "every goal that must hold holds")
        return 1 if self.missed else 0
