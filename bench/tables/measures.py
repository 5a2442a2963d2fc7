"""What the predictions of the test rows are worth. The same code measures every method."""
import numpy

CLIP = 1e-15


def ranks(values: numpy.ndarray) -> numpy.ndarray:
    """Ranks from 1; equal values share their mean rank."""
    _, place, count = numpy.unique(values, return_inverse=True, return_counts=True)
    last = numpy.cumsum(count)
    return (last - (count - 1) / 2)[place]


def auc(positive: numpy.ndarray, score: numpy.ndarray) -> float:
    """Area under the ROC curve by the rank-sum statistic; NaN where one of the two kinds is not there."""
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((ranks(score)[positive].sum() - n * (n + 1) / 2) / (n * m))


def of_classes(truth: numpy.ndarray, chances: numpy.ndarray) -> dict[str, float]:
    """truth: indices of classes [rows]; chances: probabilities [rows, classes]."""
    if not numpy.isfinite(chances).all():
        raise ValueError("a probability is not a finite number")
    of_truth = chances[numpy.arange(len(truth)), truth] / numpy.maximum(chances.sum(axis=1), CLIP)
    of_truth = numpy.clip(of_truth, CLIP, 1 - CLIP)
    columns = [1] if chances.shape[1] == 2 else range(chances.shape[1])
    areas = [area for area in (auc(truth == c, chances[:, c]) for c in columns) if area == area]
    return {"log_loss": float(-numpy.log(of_truth).mean()), "one_minus_auc": float(1 - numpy.mean(areas)),
            "error": float((chances.argmax(axis=1) != truth).mean())}


def of_numbers(truth: numpy.ndarray, values: numpy.ndarray) -> dict[str, float]:
    if not numpy.isfinite(values).all():
        raise ValueError("a prediction is not a finite number")
    return {"rmse": float(numpy.sqrt(((values - truth) ** 2).mean()))}
