const { text, count } = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
const whole = process.argv[3] === "message";
const round = (x) => Math.round(x * 100) / 100;

function transform(order) {
  const lines = order.lines.filter((line) => line.qty > 2 && line.status !== "cancelled");
  const total = lines.reduce((sum, line) => sum + line.qty * line.price, 0);
  const label = total > 1000 ? "large" : total > 100 ? "medium" : "small";
  return {
    no: order.no,
    customer: order.customer.name.toUpperCase(),
    label,
    total: round(total),
    lines: lines.map((line) => ({ sku: line.sku, amount: round(line.qty * line.price) })),
  };
}

const order = JSON.parse(text);
let out;
for (let i = 0; i < count; i++) out = whole ? JSON.stringify(transform(JSON.parse(text))) : transform(order);
console.log(whole ? out : JSON.stringify(out));
