"""The finder's algorithm in JAX, `vmap` + `jit`, for the benchmark: L-BFGS, then Newton modulo gauge, then Cholesky.

Gradients and Hessians are JAX's own. Chunks of instances run until the last of each chunk is finished.
"""

from __future__ import annotations

from time import process_time

import jax
import jax.numpy as jnp
import numpy as np

from verify.points import Start
from verify.points.finder.starts import start_points

jax.config.update("jax_enable_x64", True)
MEMORY, CHUNK = 6, 250


def solver(m, n, r, decay):
    """One instance: `(target, operator, start) -> (point, gradient norm, tolerance, whether Cholesky succeeded)`."""
    cut = m * r
    spins = np.array([[i, j] for i in range(r) for j in range(i + 1, r)])

    def loss(x, target, operator):
        a, b = x[:cut].reshape(m, r), x[cut:].reshape(n, r)
        d = (a @ b.T - target).ravel()
        return 0.5 * d @ (operator @ d) + 0.5 * decay * x @ x

    both = jax.value_and_grad(loss)

    def gradient(x, target, operator):
        """The gradient alone, written out: forward-mode over it gives the Hessian at less cost."""
        a, b = x[:cut].reshape(m, r), x[cut:].reshape(n, r)
        g = (operator @ (a @ b.T - target).ravel()).reshape(m, n)
        return jnp.concatenate([(g @ b).ravel(), (g.T @ a).ravel()]) + decay * x

    hessian = jax.jacfwd(gradient)

    def tangents(x):
        rows = x.reshape(-1, r)
        moved = [jnp.zeros_like(rows).at[:, j].set(rows[:, i]).at[:, i].set(-rows[:, j]).ravel() for i, j in spins]
        t = jnp.stack(moved)
        return t / jnp.linalg.norm(t, axis=1, keepdims=True)

    def direction(g, s, y, inverse, scale, newest):
        q = -g
        weights = []
        order = [(newest - k) % MEMORY for k in range(MEMORY)]
        for k in order:
            w = inverse[k] * (s[k] @ q)
            q = q - w * y[k]
            weights.append(w)
        q = q * scale
        for k, w in zip(order[::-1], weights[::-1], strict=True):
            q = q + (w - inverse[k] * (y[k] @ q)) * s[k]
        return q

    def solve(target, operator, start):
        _, g0 = both(start, target, operator)
        size0 = jnp.linalg.norm(g0)
        tolerance = 1e-10 * (1 + size0)

        def descend(x, goal):
            f, g = both(x, target, operator)
            zero = jnp.zeros((MEMORY, x.size))
            state = (x, f, g, -g, 1 / jnp.maximum(1, jnp.linalg.norm(g)), zero, zero, jnp.zeros(MEMORY), 0)

            def go_on(state):
                return (jnp.linalg.norm(state[2]) > goal) & (state[8] < 400)

            def advance(state):
                x, f, g, d, t, s, y, inverse, k = state
                move = t * d
                new_f, new_g = both(x + move, target, operator)
                taken = new_f <= f + 1e-4 * t * (g @ d) + 1e-15 * jnp.abs(f)
                move = jnp.where(taken, move, 0.0)
                change = jnp.where(taken, new_g - g, 0.0)
                curvature, square = move @ change, change @ change
                useful = curvature > 1e-12 * square
                place = k % MEMORY
                s, y = s.at[place].set(move), y.at[place].set(change)
                inverse = inverse.at[place].set(jnp.where(useful, 1 / jnp.where(useful, curvature, 1.0), 0.0))
                x, g, f = x + move, jnp.where(taken, new_g, g), jnp.where(taken, new_f, f)
                scale = jnp.where(useful, curvature / jnp.where(useful, square, 1.0), jnp.minimum(t, 1.0))
                turned = direction(g, s, y, inverse, scale, place)
                turned = jnp.where(turned @ g < 0, turned, -g)
                d = jnp.where(taken, turned, d)
                t = jnp.where(taken, jnp.where(useful, 1.0, 2 * t), 0.3 * t)
                return (x, f, g, d, t, s, y, inverse, k + 1)

            return jax.lax.while_loop(go_on, advance, state)[0]

        def lifted(x):
            h = hessian(x, target, operator)
            t = tangents(x)
            return h + jnp.sqrt(jnp.mean(h * h) * h.shape[0]) * t.T @ t

        def polish(x):
            def go_on(state):
                _, size, last, k = state
                fast = (k < 3) | (size <= 0.5 * last)
                return (size > tolerance) & fast & (k < 12)

            def step(state):
                x, size, _, k = state
                x = x - jnp.linalg.solve(lifted(x), gradient(x, target, operator))
                return (x, jnp.linalg.norm(gradient(x, target, operator)), size, k + 1)

            size = jnp.linalg.norm(gradient(x, target, operator))
            end = jax.lax.while_loop(go_on, step, (x, size, jnp.inf, 0))
            return end[0], end[1]

        def unfinished(state):
            return (state[2] > tolerance) & (state[3] < 5)

        def wave(state):
            x, goal, _, k = state
            x = descend(x, goal)
            end, size = polish(x)
            good = size <= tolerance
            return (jnp.where(good, end, x), 0.1 * goal, size, k + 1)

        x, _, size, _ = jax.lax.while_loop(unfinished, wave, (start, 1e-4 * size0, jnp.inf, 0))
        h = lifted(x)
        factor = jnp.linalg.cholesky(h + 5e-10 * jnp.eye(x.size))
        return x, size, tolerance, jnp.all(jnp.isfinite(factor))

    return jax.jit(jax.vmap(solve))


def run(problem, decay, count=1000):
    """Points per second after compilation, and the fraction that passed."""
    m, n, r = (problem.dims[d] for d in "mnr")
    solve = solver(m, n, r, decay)
    starts = start_points(problem, Start.RANDOM, 1, 0)
    count = min(count, problem.count) // CHUNK * CHUNK

    def chunk(first):
        part = slice(first, first + CHUNK)
        out = solve(problem.data["M"][part], problem.operators["H"][part], starts[part])
        return [np.asarray(x) for x in jax.block_until_ready(out)]

    chunk(0)
    begin = process_time()
    parts = [chunk(first) for first in range(0, count, CHUNK)]
    seconds = process_time() - begin
    size, tolerance, factored = (np.concatenate([p[k] for p in parts]) for k in (1, 2, 3))
    return count / seconds, float(np.mean((size <= tolerance) & factored))
