#!/usr/bin/env python3
"""Seconds per epoch of PyTorch on MNIST: the network and the settings of bench_train, in the fastest plain loop.

No DataLoader: the rows lie in memory as one float32 tensor, and index_select makes each batch. set_to_none saves the
clearing of gradients; foreach updates all parameters in a few calls.
"""
import peer

import torch


def network(widths):
    layers, inputs = [], 784
    for width in widths:
        layers += [torch.nn.Linear(inputs, width), torch.nn.Tanh()]
        inputs = width
    return torch.nn.Sequential(*layers, torch.nn.Linear(inputs, 10))


def optimizer_of(model, chosen):
    if chosen.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=chosen.lr, foreach=True)
    return torch.optim.SGD(model.parameters(), lr=chosen.lr, momentum=0.9, foreach=True)


def epoch(model, optimizer, loss_of, x, y, batch):
    """Mean loss of the epoch's rows."""
    order, total = torch.randperm(len(x)), torch.zeros(())
    for rows in order.split(batch):
        loss = loss_of(model(x.index_select(0, rows)), y.index_select(0, rows))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
    return total.item() / len(x)


def main():
    chosen = peer.options(__doc__.splitlines()[0])
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    x, y = map(torch.from_numpy, peer.digits(chosen.data, "train", chosen.rows))
    model = network(chosen.widths)
    optimizer, loss_of, stamps = optimizer_of(model, chosen), torch.nn.CrossEntropyLoss(), []
    for _ in range(chosen.epochs + 1):
        loss = epoch(model, optimizer, loss_of, x, y, chosen.batch)
        stamps.append(peer.stamp())
    accuracy = None
    if chosen.accuracy:
        x, y = map(torch.from_numpy, peer.digits(chosen.data, "t10k"))
        with torch.no_grad():
            accuracy = (model(x).argmax(1) == y).float().mean().item()
    peer.report("torch", torch.__version__, chosen, chosen.rows, stamps, loss, accuracy)


if __name__ == "__main__":
    main()
