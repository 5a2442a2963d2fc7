"""The tables of results, as Markdown.

A method's figure on a set is the mean over its splits. Methods are ranked on each set by log loss (classes) or RMSE (numbers), 1 is the
best; a ratio is how many times the best method's figure that is, and the table has geometric means over sets. 1-AUC and error are
often zero: 0.001 is added to both sides of those ratios. A log loss near zero makes ratios that mean little, so they are shown
twice, the second time (log loss + .01) with a hundredth of a nat on both sides; "ratio to best" is over log loss, as it is, and
RMSE. A method that lacks a split of a set has no figure there: "sets" says on how many it has one, and a second table has only
the sets where all methods have one.
"""
import math
import statistics

MEASURES = ("log_loss", "rmse", "one_minus_auc", "error")
TINY = 1e-12  # a figure may be zero
# The columns of ratios: of which measure, and what is added to both sides.
RATIOS = {"log loss": ("log_loss", 0), "log loss + .01": ("log_loss", 0.01), "RMSE": ("rmse", 0), "1-AUC": ("one_minus_auc", 0.001),
          "error": ("error", 0.001)}


def last_lines(lines: list[dict], role: str, splits: int) -> dict[tuple[str, str, int], dict]:
    """The last line of each set, method and split that is asked for."""
    return {(line["set"], line["method"], line["split"]): line for line in lines if line["role"] == role and line["split"] < splits}


def figures(latest: dict[tuple[str, str, int], dict], clock: str) -> dict[str, dict[str, dict]]:
    """By set and method: the means over splits, and the seconds of a split; methods that lack a split of the set are not there."""
    grouped: dict[str, dict[str, list[dict]]] = {}
    for (one, method, _), line in latest.items():
        grouped.setdefault(one, {}).setdefault(method, []).append(line)
    found: dict[str, dict[str, dict]] = {}
    for one, methods in grouped.items():
        most = max(len(found) for found in methods.values())
        found[one] = {}
        for method, runs in methods.items():
            if len(runs) < most or any("failed" in run for run in runs):
                continue
            of = {m: statistics.mean(run[m] for run in runs) for m in MEASURES if m in runs[0]}
            found[one][method] = of | {"seconds": statistics.mean(run[clock] for run in runs), "rows": runs[0]["rows"]}
    return found


def chosen_only(found: dict, chosen) -> dict:
    """Without the sets and methods that were not asked for."""
    names = chosen.sets.split(",") if chosen.sets else list(found)
    asked = chosen.methods.split(",") if chosen.methods else None
    if asked and "ours" in asked:
        asked += list(chosen.variants)
    return {one: {m: f for m, f in methods.items() if not asked or m in asked} for one, methods in found.items() if one in names}


def primary(figure: dict) -> float:
    return figure["log_loss"] if "log_loss" in figure else figure["rmse"]


def ratios(method: str, found: dict, measure: str, added: float) -> list[float]:
    """How many times the best figure the method's is, on each set that has this measure."""
    return [(methods[method][measure] + added + TINY) / (min(f[measure] for f in methods.values()) + added + TINY)
            for methods in found.values() if measure in methods[method]]


def rank(method: str, methods: dict[str, dict]) -> float:
    mine = primary(methods[method])
    better = sum(primary(f) < mine for f in methods.values())
    same = sum(primary(f) == mine for f in methods.values())
    return better + (same + 1) / 2


def mean_ratio(values: list[float]) -> str:
    return f"{math.exp(statistics.mean(map(math.log, values))):.3f}" if values else "-"


def row(method: str, found: dict) -> tuple[float, list[str]]:
    """(mean rank, the cells of a method)."""
    here = {one: methods for one, methods in found.items() if method in methods}
    places = [rank(method, methods) for methods in here.values()]
    seconds = [methods[method]["seconds"] for methods in here.values()]
    columns = [ratios(method, here, measure, added) for measure, added in RATIOS.values()]
    both = ratios(method, here, "log_loss", 0) + ratios(method, here, "rmse", 0)
    place = statistics.mean(places)
    return place, [method, f"{len(here)} of {len(found)}", f"{place:.2f}", str(sum(p < 2 for p in places)), mean_ratio(both),
                   *map(mean_ratio, columns), f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}", f"{sum(seconds):.1f}"]


def markdown(heading: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(line[i]) for line in [heading, *rows]) for i in range(len(heading))]
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths))) + " |"
    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(heading), rule, *map(line, rows)])


def overall(found: dict) -> str:
    names = sorted({method for methods in found.values() for method in methods})
    rows = sorted((row(method, found) for method in names), key=lambda r: r[0])
    heading = ["method", "sets", "mean rank", "best on", "ratio to best", *RATIOS, "median s", "longest s", "all s"]
    return markdown(heading, [cells for _, cells in rows])


def each_set(found: dict) -> str:
    names = sorted({method for methods in found.values() for method in methods})
    rows = []
    for one, methods in found.items():
        if not methods:
            continue
        any_of = next(iter(methods.values()))
        best = min(map(primary, methods.values()))
        shown = [(f"{primary(methods[m]):.4g}" + (" *" if primary(methods[m]) == best else "")) if m in methods else "-" for m in names]
        rows.append([one, str(any_of["rows"]), "log loss" if "log_loss" in any_of else "RMSE", *shown])
    return markdown(["set", "rows", "measure", *names], rows)


def failures(latest: dict[tuple[str, str, int], dict], found: dict) -> list[str]:
    told = {}
    for (one, method, _), line in latest.items():
        if "failed" in line and one in found:
            told[f"- {method} on {one}: {line['failed']}"] = None
    return list(told)


def report(lines: list[dict], role: str, chosen) -> str:
    latest = last_lines(lines, role, chosen.splits)
    found = chosen_only(figures(latest, chosen.clock), chosen)
    if not any(found.values()):
        return f"no results of {role} sets in the file"
    clock = "processor time" if chosen.clock == "cpu" else "time by the clock"
    parts = [f"{role.capitalize()} sets. Seconds are {clock} of fitting and predicting one split: the median of the sets, the longest, and "
             "their sum.", overall(found)]
    names = {method for methods in found.values() for method in methods}
    common = {one: methods for one, methods in found.items() if set(methods) == names}
    if common and len(common) < len(found):
        parts += [f"Only the {len(common)} sets that all these methods have:", overall(common)]
    if chosen.details:
        parts += ["Each set, the mean over splits (* the best):", each_set(found)]
    wrong = failures(latest, found)
    if wrong:
        parts += ["What failed:", "\n".join(wrong)]
    return "\n\n".join(parts)
