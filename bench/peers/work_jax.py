#!/usr/bin/env python3
"""Training steps and predictions of JAX: one jitted function that picks the rows, differentiates and updates, its state donated."""
import functools
import os
import sys

import work

# XLA takes every core unless it is told otherwise before it is loaded.
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + (
    " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" if work.THREADS == "1" else "")
if hasattr(os, "sched_setaffinity") and sys.platform == "linux":
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:int(work.THREADS)])

import jax
import jax.numpy as jnp


def new_parameters(units):
    keys = jax.random.split(jax.random.PRNGKey(1), len(units))
    return [(jax.random.normal(key, (n, m)) * (2 / (n + m)) ** 0.5, jnp.zeros(m))
            for key, n, m in zip(keys, units, units[1:])]


def raw(parameters, x):
    for weight, bias in parameters[:-1]:
        x = jnp.tanh(x @ weight + bias)
    weight, bias = parameters[-1]
    return x @ weight + bias


def loss_of(loss, parameters, x, y):
    z = raw(parameters, x)
    if loss == "cross_entropy":
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], axis=1)[:, 0])
    if loss == "binary_cross_entropy":
        return jnp.mean(jax.nn.softplus((1 - 2 * y) * z))
    return jnp.mean((z - y) ** 2)


def sgd(lr, parameters, state, gradient):
    state = jax.tree_util.tree_map(lambda v, g: 0.9 * v + g, state, gradient)
    return jax.tree_util.tree_map(lambda w, v: w - lr * v, parameters, state), state


def adam(lr, parameters, state, gradient):
    count, first, second = state
    count = count + 1
    first = jax.tree_util.tree_map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree_util.tree_map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    one, two = 1 - 0.9 ** count, 1 - 0.999 ** count
    parameters = jax.tree_util.tree_map(lambda w, m, v: w - lr * (m / one) / (jnp.sqrt(v / two) + 1e-8), parameters, first,
                                        second)
    return parameters, (count, first, second)


def trainer(chosen):
    rows = chosen.rows * chosen.steps
    x, y = jnp.asarray(work.inputs(chosen, rows)), jnp.asarray(work.targets(chosen, rows))
    parameters = new_parameters(chosen.units)
    state = jax.tree_util.tree_map(jnp.zeros_like, parameters)
    if chosen.optimizer == "adam":
        state = (jnp.float32(0), state, jax.tree_util.tree_map(jnp.zeros_like, parameters))
    update = adam if chosen.optimizer == "adam" else sgd

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(parameters, state, x, y, rows):
        gradient = jax.grad(functools.partial(loss_of, chosen.loss))(parameters, x[rows], y[rows])
        return update(chosen.lr, parameters, state, gradient)

    now, batches = [parameters, state], work.batches(chosen)

    def run():
        now[:] = step(now[0], now[1], x, y, next(batches))
    return run, lambda: jax.block_until_ready(now[0])


def predictor(chosen):
    unit = {"cross_entropy": jax.nn.softmax, "binary_cross_entropy": jax.nn.sigmoid, "mse": lambda z: z}[chosen.loss]
    predict = jax.jit(lambda parameters, x: unit(raw(parameters, x)))
    parameters, x, out = new_parameters(chosen.units), jnp.asarray(work.inputs(chosen, chosen.rows)), [None]

    def run():
        out[0] = predict(parameters, x).block_until_ready()
    return run, lambda: None


def main():
    chosen = work.options(__doc__)
    run, settle = trainer(chosen) if chosen.work == "train" else predictor(chosen)
    work.report("JAX", jax.__version__, *work.measure(chosen, run, settle))


if __name__ == "__main__":
    main()
