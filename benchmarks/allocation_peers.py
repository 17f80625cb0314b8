"""The fractional allocation as a linear programme for HiGHS and PDLP, and the plan that a score alone would make."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix, vstack

from cultiva.strategy.allocation import Problem

LIMIT = float(os.environ.get("CULTIVA_BENCH_LIMIT", "900"))


def programme(problem: Problem) -> tuple[csc_matrix, Any, Any]:
    """Limits of the linear programme: matrix, lower and upper sides; columns are candidates, 0 <= x <= 1."""
    p, n = problem, problem.candidates
    rows = np.arange(n)
    customer = np.repeat(np.arange(p.customers), np.diff(p.first))
    parts, upper = [_matrix(customer, rows, p.customers, n)], [p.room.astype(float)]
    for column in range(p.groups.shape[1]):
        grouped = np.flatnonzero(p.groups[:, column] >= 0)
        key = customer[grouped] * np.int64(p.groups.max() + 1) + p.groups[grouped, column]
        _, place, count = np.unique(key, return_inverse=True, return_counts=True)
        several = count > 1
        rank = np.cumsum(several) - 1
        keep = several[place]
        parts.append(_matrix(rank[place[keep]], grouped[keep], int(several.sum()), n))
        upper.append(np.ones(int(several.sum())))
    local = np.flatnonzero(p.pool >= 0)
    parts.append(_matrix(p.pool[local], local, len(p.pool_capacity), n, p.use[local]))
    upper.append(p.pool_capacity)
    counts = np.diff(p.recipe_first)[p.recipe]
    entry = np.repeat(p.recipe_first[p.recipe] - np.append(0, np.cumsum(counts)[:-1]), counts) + np.arange(counts.sum())
    shared = _matrix(p.recipe_resource[entry], np.repeat(rows, counts), len(p.capacity), n, p.recipe_amount[entry])
    parts.append(shared)
    upper.append(p.capacity)
    above = np.concatenate(upper)
    below = np.full(len(above), -np.inf)
    below[-len(p.capacity) :] = np.where(p.minimum > 0, p.minimum, -np.inf)
    return csc_matrix(vstack(parts)), below, above


def _matrix(rows: Any, columns: Any, height: int, width: int, values: Any = None) -> coo_matrix:
    return coo_matrix((np.ones(len(rows)) if values is None else values, (rows, columns)), shape=(height, width))


def highs(problem: Problem, method: str) -> dict[str, Any]:
    """HiGHS on the linear programme: `simplex` or `ipm`; four threads where it uses them."""
    import highspy

    matrix, below, above = programme(problem)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.shape[1], matrix.shape[0]
    model.col_cost_ = -problem.worth
    model.col_lower_, model.col_upper_ = np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])
    model.row_lower_, model.row_upper_ = below, above
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
    model.a_matrix_.value_ = matrix.data
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("solver", method)
    solver.setOptionValue("time_limit", LIMIT)
    solver.passModel(model)
    began = time.perf_counter()
    solver.run()
    seconds = time.perf_counter() - began
    status = solver.getModelStatus()
    return {
        "seconds": round(seconds, 2),
        "finished": status == highspy.HighsModelStatus.kOptimal,
        "status": solver.modelStatusToString(status),
        "value": -solver.getInfo().objective_function_value,
    }


def pdlp(problem: Problem) -> dict[str, Any]:
    """OR-tools PDLP on the linear programme, relative precision 1e-4, four threads."""
    from ortools.pdlp import solve_log_pb2, solvers_pb2
    from ortools.pdlp.python import pdlp as library

    matrix, below, above = programme(problem)
    model = library.QuadraticProgram()
    model.resize_and_initialize(matrix.shape[1], matrix.shape[0])
    model.objective_vector = -problem.worth
    model.constraint_matrix = matrix
    model.constraint_lower_bounds, model.constraint_upper_bounds = below, above
    model.variable_lower_bounds, model.variable_upper_bounds = np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])
    options = solvers_pb2.PrimalDualHybridGradientParams()
    options.termination_criteria.simple_optimality_criteria.eps_optimal_relative = 1e-4
    options.termination_criteria.simple_optimality_criteria.eps_optimal_absolute = 1e-4
    options.termination_criteria.time_sec_limit = LIMIT
    options.num_threads = 4
    began = time.perf_counter()
    told = library.primal_dual_hybrid_gradient(model, options)
    seconds = time.perf_counter() - began
    reason = told.solve_log.termination_reason
    return {
        "seconds": round(seconds, 2),
        "finished": reason == solve_log_pb2.TERMINATION_REASON_OPTIMAL,
        "status": solve_log_pb2.TerminationReason.Name(reason),
        "value": float(problem.worth @ told.primal_solution),
    }


def greedy(problem: Problem) -> dict[str, Any]:
    """Everybody gets the highest scores first, as long as everything lasts: what a ranked list does."""
    began = time.perf_counter()
    chosen = _first_come(problem)
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "finished": True,
        "value": float(problem.worth[chosen].sum()),
    }


def _first_come(problem: Problem) -> Any:
    from numba import njit

    @njit
    def take(first: Any, order: Any, customer: Any, p: Any) -> Any:
        groups, pool, use, recipe, recipe_first, resource, amount, room, left, there = p
        chosen = np.zeros(len(order), dtype=np.bool_)
        for j in order:
            i = customer[j]
            ok = room[i] > 0 and (pool[j] < 0 or left[pool[j]] >= use[j])
            for k in range(first[i], first[i + 1]):
                for g in range(groups.shape[1]):
                    ok = ok and not (chosen[k] and groups[k, g] >= 0 and groups[k, g] == groups[j, g])
            for e in range(recipe_first[recipe[j]], recipe_first[recipe[j] + 1]):
                ok = ok and there[resource[e]] >= amount[e]
            if ok:
                chosen[j] = True
                room[i] -= 1
                if pool[j] >= 0:
                    left[pool[j]] -= use[j]
                for e in range(recipe_first[recipe[j]], recipe_first[recipe[j] + 1]):
                    there[resource[e]] -= amount[e]
        return chosen

    q = problem
    customer = np.repeat(np.arange(q.customers), np.diff(q.first))
    order = np.argsort(-q.worth, kind="stable")
    state = (q.room.copy(), q.pool_capacity.copy(), q.capacity.copy())
    arrays = (q.groups, q.pool, q.use, q.recipe, q.recipe_first, q.recipe_resource, q.recipe_amount, *state)
    return take(q.first, order, customer, arrays)
