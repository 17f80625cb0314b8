"""The union forest of linkage, compiled by numba on first use; apart, so that who only asks need not load it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cultiva.insight.identity.linkage import UNKNOWN, Verdict
from cultiva.kit.compiled import compiled


@compiled()
def _find(parent: Any, record: int) -> int:
    while parent[record] != record:
        record = parent[record]
    return record


@compiled()
def _conflict(codes: Any, left: int, right: int) -> int:
    for column in range(codes.shape[1]):
        a, b = codes[left, column], codes[right, column]
        if min(a, b) != UNKNOWN and a != b:
            return column
    return UNKNOWN


@compiled()
def _union(forest: Any, left: int, right: int, rule: int) -> None:
    """Hangs the smaller cluster under the larger one; of equals the later under the earlier."""
    parent, size, joined_by, codes = forest
    a, b = _find(parent, left), _find(parent, right)
    if a == b:
        return
    if size[a] < size[b] or (size[a] == size[b] and b < a):
        a, b = b, a
    parent[b] = a
    joined_by[b] = rule
    size[a] += size[b]
    for column in range(codes.shape[1]):
        if codes[a, column] == UNKNOWN:
            codes[a, column] = codes[b, column]


@compiled()
def judge(rules: Any, firsts: Any, records: Any, forest: Any, cluster_max: int) -> tuple[Any, Any]:
    """Judges key groups one after the other and links records in the forest."""
    rows = len(records)
    verdict = np.zeros(rows, dtype=np.int32)
    column = np.full(rows, UNKNOWN, dtype=np.int32)
    roots = np.empty(cluster_max, dtype=np.int32)
    place = np.empty(cluster_max, dtype=np.int32)
    start = 0
    while start < rows:
        end = start + 1
        while end < rows and firsts[end] == firsts[start] and rules[end] == rules[start]:
            end += 1
        if end - start > cluster_max:
            verdict[start:end] = Verdict.SHARED_KEY.value
        else:
            count = _roots(forest[0], records[start:end], roots, place)
            if not _united(forest, roots[:count], rules[start], cluster_max):
                kind = _link_kinds(forest, roots[:count], rules[start], cluster_max)
                _explain(forest, records[start:end], kind[place[: end - start]], verdict[start:end], column[start:end])
        start = end
    return verdict, column


@compiled()
def _roots(parent: Any, members: Any, roots: Any, place: Any) -> int:
    """Fills in the different clusters of the members, and for every member the number of its own among them."""
    count = 0
    for row in range(len(members)):
        root = _find(parent, members[row])
        at = 0
        while at < count and roots[at] != root:
            at += 1
        if at == count:
            roots[count] = root
            count += 1
        place[row] = at
    return count


@compiled()
def _united(forest: Any, roots: Any, rule: int, cluster_max: int) -> bool:
    """Makes one cluster of all, if all can be one customer."""
    _, size, _, codes = forest
    if size[roots].sum() > cluster_max:
        return False
    for i in range(len(roots)):
        for j in range(i):
            if _conflict(codes, roots[i], roots[j]) != UNKNOWN:
                return False
    for i in range(1, len(roots)):
        _union(forest, roots[0], roots[i], rule)
    return True


@compiled()
def _link_kinds(forest: Any, roots: Any, rule: int, cluster_max: int) -> Any:
    """Links clusters of one kind: those that fit each other and exactly the same others; gives each one's kind."""
    _, size, _, codes = forest
    count = len(roots)
    fits = np.ones((count, count), dtype=np.bool_)
    for i in range(count):
        for j in range(i):
            fits[i, j] = fits[j, i] = _conflict(codes, roots[i], roots[j]) == UNKNOWN
    kind = np.arange(count)
    for i in range(count):
        for j in range(i):
            if (fits[i] == fits[j]).all():
                kind[i] = j
                break
    for i in range(count):
        alike = roots[kind == i]
        if len(alike) > 1 and size[alike].sum() <= cluster_max:
            for root in alike[1:]:
                _union(forest, alike[0], root, rule)
    return kind


@compiled()
def _explain(forest: Any, members: Any, kinds: Any, verdict: Any, column: Any) -> None:
    """Says for every member why it is not linked to the first one, if it is not."""
    parent, _, _, codes = forest
    first = _find(parent, members[0])
    for row in range(1, len(members)):
        root = _find(parent, members[row])
        if root != first:
            column[row] = _conflict(codes, first, root)
            if column[row] != UNKNOWN:
                verdict[row] = Verdict.CONFLICT.value
            else:
                verdict[row] = Verdict.CLUSTER_MAX.value if kinds[row] == kinds[0] else Verdict.AMBIGUOUS.value


@compiled()
def heads(parent: Any) -> Any:
    """For every record the smallest record of its cluster."""
    head = np.empty(len(parent), dtype=np.int32)
    smallest = np.full(len(parent), UNKNOWN, dtype=np.int32)
    for record in range(len(parent)):
        root = _find(parent, record)
        if smallest[root] == UNKNOWN:
            smallest[root] = record
        head[record] = smallest[root]
    return head


@compiled()
def link_rules(parent: Any, joined_by: Any, lefts: Any, rights: Any) -> Any:
    """Links grow younger towards the root, so two records were first linked by the weakest rule on their path."""
    rules = np.empty(len(lefts), dtype=np.int32)
    for row in range(len(lefts)):
        weakest, left = UNKNOWN, lefts[row]
        while True:
            beside, right = UNKNOWN, rights[row]
            while right != left and parent[right] != right:
                beside = max(beside, joined_by[right])
                right = parent[right]
            if right == left or parent[left] == left:
                rules[row] = max(weakest, beside) if right == left else UNKNOWN
                break
            weakest = max(weakest, joined_by[left])
            left = parent[left]
    return rules


@compiled()
def differences(parent: Any, codes: Any, lefts: Any, rights: Any) -> Any:
    """For pairs of records the first column in which their clusters differ, or -1."""
    columns = np.empty(len(lefts), dtype=np.int32)
    for row in range(len(lefts)):
        columns[row] = _conflict(codes, _find(parent, lefts[row]), _find(parent, rights[row]))
    return columns
