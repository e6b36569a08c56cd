"""Lets the scripts of this folder import the harness of tests/e2e."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
