// A virtual object that counts, from the Restate SDK: a deployment, an invocation and its state.
// Arguments: the folder of node_modules, and the port.
import { createRequire } from "node:module";

// The SDK wants it, and Node 20 does not have it yet.
Promise.withResolvers ??= function () {
    let resolve, reject;
    const promise = new Promise((res, rej) => ([resolve, reject] = [res, rej]));
    return { promise, resolve, reject };
};

const [, , modules, port] = process.argv;
const restate = createRequire(`${modules}/`)("@restatedev/restate-sdk");

const counter = restate.object({
    name: "Counter",
    handlers: {
        add: async (ctx, amount) => {
            const count = ((await ctx.get("count")) ?? 0) + amount;
            ctx.set("count", count);
            return count;
        },
    },
});

restate.endpoint().bind(counter).listen(Number(port));
