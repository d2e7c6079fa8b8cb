import sys

import duckdb

from data import A, B, C, report, timed

db = duckdb.connect()
db.execute("set threads = 1")
db.execute(f"""create table orders as select i as id, i * 7919 % 10000 as cust,
    case i % 3 when 0 then 'open' when 1 then 'shipped' else 'closed' end as status,
    i * 31 % 97 + 1 as qty, (i * 7907 % 9973) / 100.0::double + 1 as price from range({int(sys.argv[1])}) t(i)""")
db.execute("create table customers as select i as id, 'region ' || (i % 20) as region from range(10000) t(i)")


def run(sql):
    """Its result stays in the database: what is measured is the query, not the way to Python."""
    db.execute(f"create or replace temp table result as {sql}")


times = []
for sql in (A, B, C):
    best, _ = timed(lambda sql=sql: run(sql))
    rows = db.execute("select * from result").fetchall()
    times.append((best, rows))
report(*times)
