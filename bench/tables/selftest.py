#!/usr/bin/env python3
"""bench/tables/selftest.py - what the tables say of results made by hand; the measures beside scikit-learn's, where that is there."""
import argparse
import sys

import summary


def line(one: str, method: str, split: int, **found) -> dict:
    return {"set": one, "role": "report", "rows": 10, "method": method, "split": split, "cpu": 1.0, "seconds": 2.0} | found


# On "a" slow is twice as good as fast; on "b" fast alone has all splits; an older line of fast is not counted.
LINES = [
    line("a", "fast", 0, log_loss=9.0, one_minus_auc=0.5, error=0.5),
    line("a", "fast", 0, log_loss=0.4, one_minus_auc=0.099, error=0.2),
    line("a", "fast", 1, log_loss=0.8, one_minus_auc=0.099, error=0.2),
    line("a", "slow", 0, log_loss=0.3, one_minus_auc=0.049, error=0.0),
    line("a", "slow", 1, log_loss=0.3, one_minus_auc=0.049, error=0.0),
    line("b", "fast", 0, rmse=5.0),
    line("b", "slow", 0, failed="more than 900 s"),
]


def checks_of_summary():
    found = summary.figures(summary.last_lines(LINES, "report", 5), "cpu")
    yield "the mean over splits, the last line of each", round(found["a"]["fast"]["log_loss"], 9), 0.6
    yield "a failed method has no figure", sorted(found["b"]), ["fast"]
    yield "ranks", [summary.rank(m, found["a"]) for m in ("fast", "slow")], [2, 1]
    yield "a ratio of log losses", round(summary.ratios("fast", {"a": found["a"]}, "log_loss", 0)[0], 9), 2.0
    yield "a ratio with what is added", round(summary.ratios("fast", {"a": found["a"]}, "one_minus_auc", 0.001)[0], 9), 2.0
    place, cells = summary.row("fast", found)
    yield "the mean rank", place, 1.5
    yield "the cells of a row", " ".join(cells), "fast 2 of 2 1.50 1 1.414 2.000 1.968 1.000 2.000 201.000 1.00 1.00 2.0"
    yield "sets of a method that lacks one", summary.row("slow", found)[1][1], "1 of 2"
    text = summary.report(LINES, "report", argparse.Namespace(clock="cpu", sets=None, methods=None, details=True, variants={}, splits=5))
    for words in ("| slow   | 1 of 2 |", "Only the 1 sets", "- slow on b: more than 900 s", "0.3 *"):
        yield f"the report has {words!r}", words in text, True
    yield "another role has nothing", summary.last_lines(LINES, "development", 5), {}


def checks_of_measures():
    try:
        import numpy
        import sklearn.metrics as theirs
    except ImportError:
        print("selftest: no scikit-learn here: the measures are not compared")
        return
    import measures
    random = numpy.random.default_rng(1)
    for classes in (2, 4):
        truth = numpy.arange(200) % classes
        chances = numpy.round(random.dirichlet(numpy.ones(classes), 200) + 0.05, 2)  # with ties
        chances /= chances.sum(axis=1, keepdims=True)
        mine = measures.of_classes(truth, chances)
        yield f"log loss of {classes} classes", round(mine["log_loss"] - theirs.log_loss(truth, chances), 12), 0
        score = chances[:, 1] if classes == 2 else chances
        yield f"AUC of {classes} classes", round(1 - mine["one_minus_auc"] - theirs.roc_auc_score(truth, score, multi_class="ovr"), 12), 0
        yield f"error of {classes} classes", round(mine["error"] - (chances.argmax(axis=1) != truth).mean(), 12), 0
    yield "a certain mistake", round(measures.of_classes(numpy.array([0, 1]), numpy.array([[0.0, 1], [0, 1]]))["log_loss"], 4), 17.2694
    yield "RMSE", measures.of_numbers(numpy.array([1.0, 2]), numpy.array([4.0, 6]))["rmse"], 12.5 ** 0.5


def main() -> int:
    wrong = count = 0
    for name, got, wanted in [*checks_of_summary(), *checks_of_measures()]:
        count += 1
        if got != wanted:
            wrong += 1
            print(f"selftest: {name}: {got!r}, expected {wanted!r}")
    print(f"{count - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
