"""What the tests of the `opsmesh` program share: a run in a folder of its own, and the exit codes."""
import os
import shutil
import subprocess
import tempfile
import unittest

import harness

OK, FAILURE, USAGE, APPROVAL, DENIED, DOWN, PARTIAL, CONFIG = 0, 1, 2, 3, 4, 5, 6, 78


class Cli(unittest.TestCase):
    """Runs commands with a HOME of their own, in an empty folder."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="opsmesh-cli-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_cli(self, *arguments, environment=None, timeout=60, **options):
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        return subprocess.run([harness.program("opsmesh"), *arguments], cwd=self.folder, text=True, timeout=timeout,
                              env={**harness.clean_environment(self.folder), **(environment or {})},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path
