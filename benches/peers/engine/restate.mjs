// The price query and a durable send on Restate.
import * as http2 from "node:http2";
Promise.withResolvers ??= function () { // Node 20 has none
  let resolve, reject;
  const promise = new Promise((ok, no) => { resolve = ok; reject = no; });
  return { promise, resolve, reject };
};
const restate = await import("@restatedev/restate-sdk");
const prices = { A100: 12.5, A200: 7.25, B100: 99, B200: 0.5, C100: 1250 };
const shop = restate.service({
  name: "Shop",
  handlers: {
    price: async (_ctx, { itemId, quantity }) => {
      const price = prices[itemId];
      if (price === undefined) throw new restate.TerminalError(`No item ${itemId}`, { errorCode: 404 });
      return { item: itemId, total: Math.round(price * quantity * 100) / 100 };
    },
  },
});
http2.createServer(restate.createEndpointHandler({ services: [shop] })).listen(Number(process.argv[2]));
