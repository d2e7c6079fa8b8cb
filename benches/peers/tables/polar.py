import os
import sys

os.environ["POLARS_MAX_THREADS"] = "1"
import polars as pl

from data import customers, orders, report, timed

t = pl.DataFrame(orders(int(sys.argv[1])), schema=["id", "cust", "status", "qty", "price"], orient="row")
c = pl.DataFrame(customers(), schema=["id", "region"], orient="row")
a = timed(
    lambda: t.lazy()
    .filter(pl.col("status") == "open")
    .group_by("cust")
    .agg((pl.col("qty") * pl.col("price")).sum().alias("total"))
    .collect()
)
b = timed(
    lambda: t.lazy().join(c.lazy(), left_on="cust", right_on="id").group_by("region").agg(pl.col("qty").sum()).collect()
)
o = timed(lambda: t.sort(["price", "qty"], descending=[True, False], maintain_order=True))
report((a[0], a[1].rows()), (b[0], b[1].rows()), (o[0], [o[1].row(0), o[1].row(-1)]))
