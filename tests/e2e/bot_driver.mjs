// Runs the example bot on a socket of Baileys' shape and prints what it sent. Arguments: folder of the compiled clients, the gateway's address.
import { EventEmitter } from "node:events";
import { pathToFileURL } from "node:url";

const [folder, url] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const { AiClient, GatewayError } = await load("afina.js");
const { startBot } = await load("whatsapp-bot.js");

const ana = "56911112222@s.whatsapp.net";
const sent = [];
const sock = {
  ev: new EventEmitter(),
  sendMessage: async (jid, content) => {
    sent.push([jid, content.text]);
    return { key: { id: `out-${sent.length}` } };
  },
};
const say = (message, more = {}) =>
  sock.ev.emit("messages.upsert", { type: "notify", messages: [{ key: { id: "in", remoteJid: ana, ...more }, message }] });
const until = async (count) => {
  for (let waited = 0; sent.length < count; waited += 20) {
    if (waited > 20000) throw new Error(`only ${sent.length} of ${count} messages were sent`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const ai = new AiClient({ url });
startBot(sock, ai);
say({ conversation: "hola" });
say({ extendedTextMessage: { text: "¿hacen envíos?" } });
say({ conversation: "soy yo" }, { fromMe: true });
sock.ev.emit("messages.upsert", { type: "append", messages: [{ key: { remoteJid: ana }, message: { conversation: "vieja" } }] });
await until(2);
say({ reactionMessage: { key: { id: "out-2" }, text: "👍" } });
await new Promise((resolve) => setTimeout(resolve, 1500));

const captured = await ai.captureInteraction("owner", "c-9", "¿precio?", "$990", { productId: "7", customerId: "569", id: "m1" });
const gone = new AiClient({ url: "http://127.0.0.1:9", retries: 0 });
const lost = await gone.captureInteraction("owner", "c-9", "a", "b");
let refused = "";
try {
  await ai.feedback({ interaction: "int_none", liked: true });
} catch (error) {
  refused = error instanceof GatewayError ? `${error.status} ${error.message}` : String(error);
}
console.log(JSON.stringify({ sent, captured, lost, refused }));
