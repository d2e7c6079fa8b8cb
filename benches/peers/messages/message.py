import json, sys

given = json.load(open(sys.argv[1]))
text, count, whole = given["text"], given["count"], sys.argv[2] == "message"


def transform(order):
    lines = [line for line in order["lines"] if line["qty"] > 2 and line["status"] != "cancelled"]
    total = sum(line["qty"] * line["price"] for line in lines)
    label = "large" if total > 1000 else "medium" if total > 100 else "small"
    return {
        "no": order["no"],
        "customer": order["customer"]["name"].upper(),
        "label": label,
        "total": round(total, 2),
        "lines": [{"sku": line["sku"], "amount": round(line["qty"] * line["price"], 2)} for line in lines],
    }


order, out = json.loads(text), None
for _ in range(count):
    if whole:
        out = json.dumps(transform(json.loads(text)), ensure_ascii=False, separators=(",", ":"))
    else:
        out = transform(order)
print(out if whole else json.dumps(out, ensure_ascii=False, separators=(",", ":")))
