def main(n):
    total = 0
    for i in range(n):
        if i % 3 == 0: total += i * 2
        elif i % 5 == 0: total -= i
        else: total += 1
    return total
print(main(5000000))
