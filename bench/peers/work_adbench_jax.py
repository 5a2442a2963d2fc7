#!/usr/bin/env python3
"""BA1 and LSTM of ADBench with JAX, in float64, jitted; the data and the functions of bench/bench_adbench.c.

    work_adbench_jax.py WORK [--threads N] [--seconds S] [--dump FOLDER]

--threads 0 leaves JAX as it comes. Each work is written in two ways, and the faster one counts: Jacobians in forward and in reverse
mode; the LSTM with all layers in a loop over steps, and layer by layer with what needs no step before computed outside of the loop.
"""
import os
import sys

THREADS = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv[:-1] else "1"
if THREADS != "0":
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + (
        " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" if THREADS == "1" else "")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(THREADS)])

import argparse
import json
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)


def uniform(k):
    return ((k.astype(np.uint64) * np.uint64(2654435761)) % np.uint64(1 << 32)).astype(np.float64) / 4294967296.0


# ---- bundle adjustment ----
def ba_data(n, m, p):
    low = np.array([-0.3, -0.3, -0.3, -1, -1, -1, 400, -5, -5, -0.1, -0.01])
    high = np.array([0.3, 0.3, 0.3, 1, 1, 1, 800, 5, 5, 0.1, 0.01])
    cameras = low + (high - low) * uniform(np.arange(11 * n) + 1).reshape(n, 11)
    i = np.arange(3 * m)
    points = (2 * uniform(7 * i + 3) - 1 + np.where(i % 3 == 2, 6, 0)).reshape(m, 3)
    i = np.arange(p)
    camera, point = (uniform(3 * i + 1) * n).astype(np.int32), (i * m // p).astype(np.int32)
    weights = 0.5 + uniform(5 * i + 2)
    feature = 100 * uniform((2 * i)[:, None] + np.arange(2)[None, :] + 11)
    return [jnp.asarray(v) for v in (cameras, points, weights, camera, point, feature)]


def observation(camera, point, weight, feature):
    r, centre = camera[:3], camera[3:6]
    theta = jnp.sqrt(jnp.dot(r, r))
    v, x, c, s = r / theta, point - centre, jnp.cos(theta), jnp.sin(theta)
    turned = x * c + jnp.cross(v, x) * s + v * (jnp.dot(v, x) * (1 - c))
    p = turned[:2] / turned[2]
    square = jnp.dot(p, p)
    q = p * (1 + camera[9] * square + camera[10] * square * square)
    return weight * (q * camera[6] + camera[7:9] - feature)


def ba():
    data = ba_data(49, 7776, 31843)

    def jacobian(mode, cameras, points, weights, camera, point, feature):
        blocks = jax.vmap(mode(observation, argnums=(0, 1, 2)))(cameras[camera], points[point], weights, feature)
        return jnp.concatenate([blocks[0], blocks[1], blocks[2][:, :, None]], axis=2)

    return [jax.jit(lambda *a, mode=mode: jacobian(mode, *a)) for mode in (jax.jacrev, jax.jacfwd)], data


# ---- LSTM ----
def lstm_data(layers, characters, b):
    main = uniform(3 * np.arange(8 * layers * b) + 1).reshape(layers, 8, b)
    extra = uniform(5 * np.arange(3 * b) + 2).reshape(3, b)
    state = uniform(7 * np.arange(2 * layers * b) + 3).reshape(layers, 2, b)
    text = np.where(uniform(11 * np.arange(characters * b) + 5) < 0.4, 1.0, 0.0).reshape(characters, b)
    return [jnp.asarray(v) for v in (main, extra, state, text)]


def loss_of(x, extra, text):
    y = x * extra[1] + extra[2]
    return -jnp.mean(text[1:] * (y - jnp.log(jnp.sum(jnp.exp(y), axis=1) + 2)[:, None]))


def by_steps(main, extra, state, text):
    def step(state, x):
        after = []
        for l in range(main.shape[0]):
            w, (h, c) = main[l], state[l]
            forget, out = jax.nn.sigmoid(x * w[0] + w[4]), jax.nn.sigmoid(x * w[2] + w[6])
            c = c * forget + jax.nn.sigmoid(h * w[1] + w[5]) * jnp.tanh(h * w[3] + w[7])
            x = out * jnp.tanh(c)
            after.append((x, c))
        return after, x

    before = [(state[l, 0], state[l, 1]) for l in range(main.shape[0])]
    return loss_of(jax.lax.scan(step, before, text[:-1] * extra[0])[1], extra, text)


def by_layers(main, extra, state, text):
    x = text[:-1] * extra[0]
    for l in range(main.shape[0]):
        w = main[l]

        def step(before, gates, w=w):
            (h, c), (forget, out) = before, gates
            c = c * forget + jax.nn.sigmoid(h * w[1] + w[5]) * jnp.tanh(h * w[3] + w[7])
            h = out * jnp.tanh(c)
            return (h, c), h

        gates = jax.nn.sigmoid(x * w[0] + w[4]), jax.nn.sigmoid(x * w[2] + w[6])
        x = jax.lax.scan(step, (state[l, 0], state[l, 1]), gates)[1]
    return loss_of(x, extra, text)


def lstm(layers):
    return [jax.jit(jax.value_and_grad(f, argnums=(0, 1))) for f in (by_steps, by_layers)], lstm_data(layers, 1024, 14)


# ---- measuring ----
def measure(run, seconds):
    run(), run()
    samples, end = [], time.perf_counter() + seconds
    while len(samples) < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        samples.append(time.perf_counter() - begin)
    return min(samples), statistics.median(samples)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=["ba1_rows", "lstm_l2_c1024", "lstm_l4_c1024"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--dump", help="a folder for what was computed, as float64")
    chosen = parser.parse_args()
    ways, data = ba() if chosen.work == "ba1_rows" else lstm(2 if "l2" in chosen.work else 4)
    best, median = min(measure(lambda f=f: jax.block_until_ready(f(*data)), chosen.seconds) for f in ways)
    if chosen.dump:
        result = ways[0](*data)
        parts = [result] if chosen.work == "ba1_rows" else result[1]
        np.concatenate([np.asarray(part).ravel() for part in parts]).tofile(os.path.join(chosen.dump, chosen.work))
    print(json.dumps({"tool": "JAX", "version": jax.__version__, "work": chosen.work, "seconds": best,
                      "seconds_median": median}))


if __name__ == "__main__":
    main()
