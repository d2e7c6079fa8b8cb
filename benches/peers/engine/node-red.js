// The price query as a Node-RED flow, in memory, without the editor.
const http = require("http"), express = require("express"), RED = require("node-red"), fs = require("fs"), path = require("path");
const [port, folder] = [Number(process.argv[2]), process.argv[3]];
const func = `const prices = { A100: 12.5, A200: 7.25, B100: 99, B200: 0.5, C100: 1250 };
const price = prices[msg.payload.itemId];
if (price === undefined) { msg.statusCode = 404; msg.payload = {}; return msg; }
msg.payload = { item: msg.payload.itemId, total: Math.round(price * Number(msg.payload.quantity) * 100) / 100 };
return msg;`;
fs.writeFileSync(path.join(folder, "flows.json"), JSON.stringify([
  { id: "tab", type: "tab", label: "price" },
  { id: "in", type: "http in", z: "tab", url: "/price", method: "get", wires: [["work"]] },
  { id: "work", type: "function", z: "tab", func, outputs: 1, wires: [["out"]] },
  { id: "out", type: "http response", z: "tab", statusCode: "", headers: {}, wires: [] },
]));
const app = express(), server = http.createServer(app);
RED.init(server, { httpAdminRoot: false, httpNodeRoot: "/", userDir: folder, flowFile: "flows.json",
  logging: { console: { level: "error" } }, telemetry: { enabled: false } });
app.use("/", RED.httpNode);
server.listen(port, "127.0.0.1");
RED.start();
