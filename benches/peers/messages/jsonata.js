const { readFileSync } = require("fs");
const jsonata = require("jsonata");
const { text, count } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const expression = jsonata(readFileSync(`${__dirname}/message.jsonata`, "utf8"));

(async () => {
  let out;
  for (let i = 0; i < count; i++) out = JSON.stringify(await expression.evaluate(JSON.parse(text)));
  console.log(out);
})();
