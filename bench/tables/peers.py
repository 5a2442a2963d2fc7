"""The peers, each as it is usually used, with its own defaults and one thread: a pair of fit and predict for each.

What all share: rows with the same columns, categories as text, missing values as NaN or None. A peer that takes categories gets them; the
others get an input for each. A network gets medians for missing numbers, an input that says they were missing, and standardised
numbers and targets. Only what the library itself leaves to its caller is done here.
"""
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy
import pandas

from splits import Split


@dataclass
class Work:
    """What a peer is told beside the rows."""
    numbers: list[str]
    categories: list[str]
    classes: list[str]  # none: the target is a number
    seed: int


def whole(chances: numpy.ndarray, known: numpy.ndarray, work: Work) -> numpy.ndarray:
    """Columns for all classes, those that the training rows lack included."""
    full = numpy.zeros((len(chances), len(work.classes)))
    full[:, numpy.asarray(known, dtype=int)] = chances
    return full


def answer(model, x, work: Work) -> numpy.ndarray:
    if work.classes:
        return whole(numpy.asarray(model.predict_proba(x), dtype=float), model.classes_, work)
    return numpy.asarray(model.predict(x), dtype=float).reshape(-1)


def one_hot(work: Work):
    """Standardised numbers, an input for each category: what scikit-learn's networks and linear models are given."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    return ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()),
         work.numbers),
        ("categories", make_pipeline(SimpleImputer(strategy="constant", fill_value="missing"),
                                     OneHotEncoder(handle_unknown="ignore", sparse_output=False)), work.categories)])


def codes(train: pandas.DataFrame, test: pandas.DataFrame, work: Work) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Categories as pandas' own: those of the training rows; others of the test rows become missing."""
    train, test = train.copy(), test.copy()
    for name in work.categories:
        known = sorted(train[name].dropna().unique())
        train[name] = pandas.Categorical(train[name], categories=known)
        test[name] = pandas.Categorical(test[name].where(test[name].isin(known)), categories=known)
    return train, test


def filled(train: pandas.DataFrame, test: pandas.DataFrame, work: Work) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """For libraries that take categories but no missing numbers: the median, and a column that says so."""
    train, test = codes(train, test, work)
    for name in work.numbers:
        middle = train[name].median()
        middle = 0.0 if middle != middle else middle
        if train[name].isna().any():
            train[name + " missing"], test[name + " missing"] = (t[name].isna().astype(float) for t in (train, test))
        train[name], test[name] = (t[name].fillna(middle).astype("float32") for t in (train, test))
    for name in work.categories:
        if train[name].isna().any() or test[name].isna().any():
            train[name], test[name] = (t[name].cat.add_categories("missing").fillna("missing") for t in (train, test))
    return train, test


def sklearn_mlp(train: Split, test: Split, work: Work, **more) -> numpy.ndarray:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    if work.classes:
        model = MLPClassifier(random_state=work.seed, **more)
    else:
        model = TransformedTargetRegressor(MLPRegressor(random_state=work.seed, **more), transformer=StandardScaler())
    return answer(make_pipeline(one_hot(work), model).fit(train.x, train.y), test.x, work)


def sklearn_mlp_stopped(train: Split, test: Split, work: Work) -> numpy.ndarray:
    return sklearn_mlp(train, test, work, early_stopping=True)


def hist_gradient_boosting(train: Split, test: Split, work: Work) -> numpy.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    x, asked = codes(train.x, test.x, work)
    wide = [name for name in work.categories if len(x[name].cat.categories) > 254]  # more than it takes: ordered numbers
    for table in (x, asked):
        for name in wide:
            table[name] = table[name].cat.codes.replace(-1, numpy.nan).astype(float)
    kind = HistGradientBoostingClassifier if work.classes else HistGradientBoostingRegressor
    narrow = [name for name in work.categories if name not in wide]
    return answer(kind(random_state=work.seed, categorical_features=narrow or None).fit(x, train.y), asked, work)


def lightgbm(train: Split, test: Split, work: Work) -> numpy.ndarray:
    import lightgbm as library
    x, asked = codes(train.x, test.x, work)
    plain = {name: f"c{i}" for i, name in enumerate(x.columns)}  # it refuses some characters in names
    x, asked = x.rename(columns=plain), asked.rename(columns=plain)
    kind = library.LGBMClassifier if work.classes else library.LGBMRegressor
    return answer(kind(random_state=work.seed, n_jobs=1, verbose=-1).fit(x, train.y), asked, work)


def catboost(train: Split, test: Split, work: Work) -> numpy.ndarray:
    import catboost as library
    x, asked = train.x.copy(), test.x.copy()
    for name in work.categories:
        x[name], asked[name] = (table[name].fillna("missing").astype(str) for table in (x, asked))
    kind = library.CatBoostClassifier if work.classes else library.CatBoostRegressor
    model = kind(random_seed=work.seed, thread_count=1, verbose=0, allow_writing_files=False, cat_features=work.categories)
    return answer(model.fit(x, train.y), asked, work)


def with_pytabkit(name: str, **more) -> Callable[[Split, Split, Work], numpy.ndarray]:
    def run(train: Split, test: Split, work: Work) -> numpy.ndarray:
        import pytabkit
        x, asked = filled(train.x, test.x, work)
        kind = getattr(pytabkit, name + ("_Classifier" if work.classes else "_Regressor"))
        options = more if work.classes else {}
        model = kind(device="cpu", n_threads=1, random_state=work.seed, verbosity=0, **options)
        return answer(model.fit(x, train.y, cat_col_names=work.categories), asked, work)
    return run


PEERS: dict[str, Callable[[Split, Split, Work], numpy.ndarray]] = {
    "sklearn-mlp": sklearn_mlp,
    "sklearn-mlp-stop": sklearn_mlp_stopped,
    "sklearn-hgb": hist_gradient_boosting,
    "lightgbm": lightgbm,
    "catboost": catboost,
    "realmlp": with_pytabkit("RealMLP_TD"),
    "realmlp-ce": with_pytabkit("RealMLP_TD", val_metric_name="cross_entropy", use_ls=False),
    "tabm": with_pytabkit("TabM_D"),
}
NEEDS = {"lightgbm": ["lightgbm"], "catboost": ["catboost"], "realmlp": ["pytabkit", "torch"], "realmlp-ce": ["pytabkit", "torch"],
         "tabm": ["pytabkit", "torch"]}

SAME_ON_NUMBERS = {"realmlp-ce": "realmlp"}


def version(name: str) -> str:
    from importlib.metadata import version as of
    return " ".join(f"{package} {of(package)}" for package in NEEDS.get(name, ["scikit-learn"]))


def warm(name: str) -> None:
    """Loads the libraries, so that no fit is charged for it."""
    warnings.filterwarnings("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    for module in NEEDS.get(name, ["sklearn.ensemble", "sklearn.neural_network", "sklearn.compose", "sklearn.impute"]):
        __import__(module)
        if module == "torch":
            sys.modules[module].set_num_threads(1)
