"""Speed and memory, each as a ratio against a named baseline of the same run: `python -m tests.benchmarks <name>`.

None is part of the test suite: a figure says nothing on a machine that does other things as well.
"""
