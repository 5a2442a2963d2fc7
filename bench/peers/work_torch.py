#!/usr/bin/env python3
"""Training steps and predictions of PyTorch: a plain loop with index_select, foreach optimisers, inference_mode."""
import work

import torch

LOSSES = {"cross_entropy": torch.nn.CrossEntropyLoss, "binary_cross_entropy": torch.nn.BCEWithLogitsLoss,
          "mse": torch.nn.MSELoss}
OUTPUTS = {"cross_entropy": torch.nn.Softmax(1), "binary_cross_entropy": torch.nn.Sigmoid(), "mse": torch.nn.Identity()}


def network(units):
    layers = []
    for inputs, outputs in zip(units, units[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def trainer(chosen):
    rows = chosen.rows * chosen.steps
    x, y = torch.from_numpy(work.inputs(chosen, rows)), torch.from_numpy(work.targets(chosen, rows))
    model, loss_of, batches = network(chosen.units), LOSSES[chosen.loss](), work.batches(chosen)
    if chosen.optimizer == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=chosen.lr, foreach=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=chosen.lr, momentum=0.9, foreach=True)

    def step():
        rows = torch.from_numpy(next(batches))
        loss = loss_of(model(x.index_select(0, rows)), y.index_select(0, rows))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return step


def predictor(chosen):
    model, x = torch.nn.Sequential(network(chosen.units), OUTPUTS[chosen.loss]), work.inputs(chosen, chosen.rows)
    x = torch.from_numpy(x)

    def predict():
        with torch.inference_mode():
            model(x)
    return predict


def main():
    chosen = work.options(__doc__)
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(1)
    run = trainer(chosen) if chosen.work == "train" else predictor(chosen)
    work.report("PyTorch", torch.__version__, *work.measure(chosen, run))


if __name__ == "__main__":
    main()
