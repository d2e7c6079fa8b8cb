const rows = Number(process.argv[2]);
const statuses = ["open", "shipped", "closed"];
const orders = [];
for (let i = 0; i < rows; i++) {
  orders.push({ id: i, cust: (i * 7919) % 10000, status: statuses[i % 3], qty: ((i * 31) % 97) + 1, price: ((i * 7907) % 9973) / 100 + 1 });
}
const customers = [];
for (let i = 0; i < 10000; i++) customers.push({ id: i, region: `region ${i % 20}` });

function timed(query) {
  let best = Infinity, result;
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    result = query();
    best = Math.min(best, performance.now() - start);
  }
  return [best, result];
}

const a = timed(() => {
  const totals = new Map();
  for (const o of orders) if (o.status === "open") totals.set(o.cust, (totals.get(o.cust) ?? 0) + o.qty * o.price);
  return totals;
});
const b = timed(() => {
  const byId = new Map(customers.map((c) => [c.id, c]));
  const sums = new Map();
  for (const o of orders) {
    const c = byId.get(o.cust);
    if (c) sums.set(c.region, (sums.get(c.region) ?? 0) + o.qty);
  }
  return sums;
});
const c = timed(() => orders.slice().sort((x, y) => y.price - x.price || x.qty - y.qty));
const first = c[1][0], last = c[1][rows - 1];
const results = [a[1].size, Math.round(a[1].get(0) * 100) / 100, b[1].get("region 7"), first.price, first.qty, last.price];
console.log(JSON.stringify({ a: a[0], b: b[0], c: c[0], results }));
