#!/usr/bin/env python3
"""Training steps and predictions of scikit-learn's MLPClassifier and MLPRegressor. The end of an epoch is seen where the class
itself looks whether the loss still falls."""
import statistics
import time
import warnings

import work

import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor


def timed(base):
    class Timed(base):
        """Notes when each epoch ends, and stops when the time is over."""

        def _update_no_improvement_count(self, *arguments, **named):
            super()._update_no_improvement_count(*arguments, **named)
            self.ends.append(time.perf_counter())
            if len(self.ends) > 1 and self.ends[-1] > self.ends[0] + self.budget:
                raise KeyboardInterrupt  # fit() takes it for the end of training
    return Timed


def model_of(chosen, epochs):
    kind = MLPRegressor if chosen.loss == "mse" else MLPClassifier
    model = timed(kind)(hidden_layer_sizes=tuple(chosen.units[1:-1]), activation="tanh", solver=chosen.optimizer, alpha=0,
                        batch_size=chosen.rows, learning_rate_init=chosen.lr, momentum=0.9, nesterovs_momentum=False, tol=0,
                        n_iter_no_change=10**9, max_iter=epochs, random_state=1)
    model.ends, model.budget = [], chosen.seconds
    return model


def targets(chosen, rows):
    y = work.targets(chosen, rows)
    return y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y


def train(chosen):
    rows, model = chosen.rows * chosen.steps, model_of(chosen, 10**6)
    model.fit(work.inputs(chosen, rows), targets(chosen, rows))
    epochs = [(b - a) / chosen.steps for a, b in zip(model.ends, model.ends[1:])]
    return min(epochs), statistics.median(epochs)


def infer(chosen):
    rows = max(chosen.rows, 200)
    chosen_rows, chosen.rows = chosen.rows, rows
    model = model_of(chosen, 1).fit(work.inputs(chosen, rows), targets(chosen, rows))
    x = work.inputs(chosen, chosen_rows)
    predict = model.predict if chosen.loss == "mse" else model.predict_proba
    return work.measure(chosen, lambda: predict(x))


def main():
    chosen = work.options(__doc__)
    warnings.simplefilter("ignore")  # that the epochs ended before convergence is what we want
    work.report("scikit-learn", sklearn.__version__, *(train if chosen.work == "train" else infer)(chosen))


if __name__ == "__main__":
    main()
