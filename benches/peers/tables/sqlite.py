import sqlite3
import sys

from data import A, B, C, customers, orders, report, timed

db = sqlite3.connect(":memory:")
db.execute("create table orders (id integer primary key, cust integer, status text, qty integer, price real)")
db.execute("create table customers (id integer primary key, region text)")
db.executemany("insert into orders values (?, ?, ?, ?, ?)", orders(int(sys.argv[1])))
db.executemany("insert into customers values (?, ?)", customers())
report(*[timed(lambda sql=sql: db.execute(sql).fetchall()) for sql in (A, B, C)])
