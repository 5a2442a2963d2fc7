#!/usr/bin/env python3
"""Seconds per epoch of scikit-learn's MLPClassifier on MNIST: the network and the settings of bench_train.

The end of an epoch is seen where the class itself looks whether the loss still falls.
"""
import warnings

import peer

import sklearn
from sklearn.neural_network import MLPClassifier


class Timed(MLPClassifier):
    """An MLPClassifier that notes when each epoch ends."""

    def _update_no_improvement_count(self, *arguments, **named):
        super()._update_no_improvement_count(*arguments, **named)
        self.ends.append(peer.stamp())


def main():
    chosen = peer.options(__doc__.splitlines()[0])
    warnings.simplefilter("ignore")  # that the epochs ended before convergence is what we want
    x, y = peer.digits(chosen.data, "train", chosen.rows)
    model = Timed(hidden_layer_sizes=tuple(chosen.widths), activation="tanh", solver=chosen.optimizer, alpha=0,
                  batch_size=chosen.batch, learning_rate_init=chosen.lr, momentum=0.9, nesterovs_momentum=False, tol=0,
                  n_iter_no_change=10**9, max_iter=chosen.epochs + 1, random_state=chosen.seed)
    model.ends = []
    model.fit(x, y)
    accuracy = None
    if chosen.accuracy:
        test_x, test_y = peer.digits(chosen.data, "t10k")
        accuracy = float(model.score(test_x, test_y))
    peer.report("scikit-learn", sklearn.__version__, chosen, chosen.rows, model.ends, float(model.loss_), accuracy)


if __name__ == "__main__":
    main()
