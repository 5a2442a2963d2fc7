"""checklib.py - what the checkers of this folder share: where the tree is, how to read C, how to prove a checker."""

import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A comment, a string or a character constant, whichever comes first.
_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def strip_c(text, strings=True):
    """C text without comments and, unless told otherwise, with empty strings; the lines keep their numbers."""

    def blank(match):
        token = match.group(0)
        if token[0] == "/":
            return " " + "\n" * token.count("\n")
        return token[0] + token[0] if strings else token

    return _TOKEN.sub(blank, text)


def finish(name, errors, done):
    """Prints the errors, or `done`; the exit status of a checker."""
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        print(f"{name}: {len(errors)} found", file=sys.stderr)
        return 1
    print(f"{name}: {done}")
    return 0


def self_test(name, check, clean, faults):
    """Proves a checker. `clean` is a tree {path: text} in which check(root) finds nothing; every fault
    (what, {path: text or None}, expected) changes it so that an error is found which holds `expected`."""
    failures = []
    for what, change, expected in [("a clean tree", {}, None), *faults]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in {**clean, **change}.items():
                if text is not None:
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    (root / path).write_text(text)
            errors = check(root)
        if expected is None and errors:
            failures.append(f"{what}: nothing is wrong, but it says: {errors}")
        if expected is not None and not any(expected in error for error in errors):
            failures.append(f"{what}: expected an error with '{expected}', got: {errors}")
    return finish(f"{name} --self-test", failures, f"{len(faults)} planted faults found")
