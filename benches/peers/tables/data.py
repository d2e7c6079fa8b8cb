"""The orders and customers that all systems query, and what they print."""

import json
import time


def orders(rows):
    status = ["open", "shipped", "closed"]
    return [
        (i, i * 7919 % 10000, status[i % 3], i * 31 % 97 + 1, i * 7907 % 9973 / 100 + 1) for i in range(rows)
    ]


def customers():
    return [(i, f"region {i % 20}") for i in range(10000)]


A = "select cust, sum(qty * price) as total from orders where status = 'open' group by cust"
B = "select c.region, sum(o.qty) as n from orders o join customers c on o.cust = c.id group by c.region"
C = "select * from orders order by price desc, qty"


def timed(query):
    best, result = float("inf"), None
    for _ in range(3):
        result = None
        start = time.perf_counter()
        result = query()
        best = min(best, (time.perf_counter() - start) * 1000)
    return best, result


def report(a, b, c):
    """Each with its time and its rows as tuples; of the third the first and last row are enough."""
    totals, regions = dict(a[1]), dict(b[1])
    first, last = c[1][0], c[1][-1]
    results = [len(totals), round(totals[0], 2), regions["region 7"], first[4], first[3], last[4]]
    print(json.dumps({"a": a[0], "b": b[0], "c": c[0], "results": [float(x) for x in results]}))
