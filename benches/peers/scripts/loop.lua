local function main(n)
  local total = 0
  for i = 0, n - 1 do
    if i % 3 == 0 then total = total + i * 2 elseif i % 5 == 0 then total = total - i else total = total + 1 end
  end
  return total
end
print(main(5000000))
