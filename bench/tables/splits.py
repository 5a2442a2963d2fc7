"""Splits: each set is parted into training and test rows, and the parts are files that every method reads.

SET/N/train.csv and SET/N/test.csv are split N (from 0), SET/set.json says what the columns are. A quarter of the rows is tested on; of
classes, a quarter of each. What a split is depends on the set and N alone.
"""
import json
import os
import zlib
from dataclasses import dataclass

import numpy
import pandas

import sets

TEST = 0.25


@dataclass
class Split:
    """Rows of one file: x by column, y as indices of classes or as numbers."""
    x: pandas.DataFrame
    y: numpy.ndarray


def parted(y: numpy.ndarray, task: str, random: numpy.random.Generator) -> numpy.ndarray:
    """Which rows are test rows."""
    test = numpy.zeros(len(y), dtype=bool)
    groups = [numpy.flatnonzero(y == c) for c in numpy.unique(y)] if task == sets.CLASSES else [numpy.arange(len(y))]
    for group in groups:
        order = random.permutation(group)
        # A part of a row is a row by chance, so that rare classes have their share; the first row of a class is learnt from.
        count = int(TEST * len(order) + random.random())
        test[order[:min(count, len(order) - 1)]] = True
    return test


def is_number(text: object) -> bool:
    try:
        return float(text) == float(text)
    except (TypeError, ValueError):
        return False


def replace(path: str, write) -> None:
    """The file is there whole or not at all, so that runs at the same time may share a folder."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        write(file)
    os.replace(temporary, path)


def as_written(table: pandas.DataFrame) -> pandas.DataFrame:
    """Whole numbers without a point, as people write them."""
    whole = [c for c in table.columns if table[c].dtype == numpy.float64 and (table[c].dropna() % 1 == 0).all()
             and (table[c].abs().max() < 2 ** 53)]
    return table.astype({c: "Int64" for c in whole})


def prepare(one: sets.Set, folder: str, count: int) -> dict:
    """Writes the splits that are not there yet; what set.json says."""
    home = os.path.join(folder, one.role, one.name)
    about = os.path.join(home, "set.json")
    wanted = [n for n in range(count) if not os.path.exists(os.path.join(home, str(n), "test.csv"))]
    if wanted or not os.path.exists(about):
        table, target, task = sets.load(one)
        y = table[target].to_numpy()
        written = as_written(table)
        for n in wanted:
            test = parted(y, task, numpy.random.default_rng([n, zlib.crc32(one.name.encode())]))
            os.makedirs(os.path.join(home, str(n)), exist_ok=True)
            for name, rows in (("train.csv", ~test), ("test.csv", test)):
                replace(os.path.join(home, str(n), name), lambda file, rows=rows: written[rows].to_csv(file, index=False))
        text = [c for c in table.columns if c != target and table[c].dtype != numpy.float64]
        described = {
            "set": one.name, "role": one.role, "task": task, "target": target, "rows": len(table),
            "numbers": [c for c in table.columns if c != target and c not in text],
            "categories": text,
            "numbered": [c for c in text if any(map(is_number, table[c]))],
            "classes": sorted(set(y)) if task == sets.CLASSES else []}
        replace(about, lambda file: json.dump(described, file, indent=1))
    with open(about, encoding="utf-8") as file:
        return json.load(file) | {"folder": home}


def read(about: dict, n: int, part: str) -> Split:
    """part: "train" or "test"."""
    kinds = {name: object for name in about["categories"]}
    if about["classes"]:
        kinds[about["target"]] = object
    path = os.path.join(about["folder"], str(n), part + ".csv")
    table = pandas.read_csv(path, dtype=kinds, na_values=[""], keep_default_na=False)
    y = table.pop(about["target"])
    if about["classes"]:
        places = {name: i for i, name in enumerate(about["classes"])}
        return Split(table, numpy.array([places[name] for name in y]))
    return Split(table, y.to_numpy(dtype=numpy.float64))
