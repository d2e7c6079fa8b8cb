function main(n) {
  let total = 0
  for (let i = 0; i < n; i++) {
    if (i % 3 === 0) total += i * 2
    else if (i % 5 === 0) total -= i
    else total += 1
  }
  return total
}
console.log(main(5000000))
