def round2: . * 100 | round / 100;
[.lines[] | select(.qty > 2 and .status != "cancelled")] as $lines
| ([$lines[] | .qty * .price] | add) as $total
| {
    no,
    customer: (.customer.name | explode | map(if . >= 97 and . <= 122 or . >= 224 and . <= 254 then . - 32 else . end) | implode),
    label: (if $total > 1000 then "large" elif $total > 100 then "medium" else "small" end),
    total: ($total | round2),
    lines: [$lines[] | {sku, amount: (.qty * .price | round2)}]
  }
