/**
 * A WhatsApp bot on a socket of Baileys' shape (`sock.ev.on("messages.upsert")`, `sock.sendMessage`), with its answers, labels and feedback by afina.
 * Baileys is an unofficial client that WhatsApp may block: for a business the official Cloud API is the safe way.
 *
 *   import makeWASocket from "baileys";
 *   startBot(makeWASocket({ auth }), new AiClient({ url, key }));
 */

import { AiClient, type Turn } from "./afina.js";

export interface IncomingMessage {
  key: { id?: string | null; remoteJid?: string | null; fromMe?: boolean | null };
  message?: { conversation?: string | null; extendedTextMessage?: { text?: string | null } | null; reactionMessage?: Reaction | null } | null;
}

export interface Reaction {
  key?: { id?: string | null } | null;
  text?: string | null;
}

export interface Socket {
  ev: { on(event: "messages.upsert", listener: (upsert: { messages: IncomingMessage[]; type: string }) => void): void };
  sendMessage(jid: string, content: { text: string }): Promise<{ key: { id?: string | null } } | undefined>;
}

const REMEMBERED_TURNS = 20;
const SORRY = "Perdón, ahora no puedo responder. Te contesto en un momento.";

export function startBot(sock: Socket, ai: AiClient): void {
  const history = new Map<string, Turn[]>();
  const answered = new Map<string, string>(); // id of a message that was sent → interaction

  async function answer(incoming: IncomingMessage): Promise<void> {
    const jid = incoming.key.remoteJid;
    const text = incoming.message?.conversation ?? incoming.message?.extendedTextMessage?.text;
    const reaction = incoming.message?.reactionMessage;
    if (!jid || incoming.key.fromMe) return;
    if (reaction) {
      const interaction = answered.get(reaction.key?.id ?? "");
      const liked = reaction.text === "👍" || reaction.text === "❤️" ? true : reaction.text === "👎" ? false : undefined;
      if (interaction && liked !== undefined) await ai.feedback({ interaction, liked });
      return;
    }
    if (!text) return;
    const turns = [...(history.get(jid) ?? []), { role: "user", content: text } satisfies Turn];
    try {
      const reply = await ai.chat({ messages: turns, user: jid, conversation: jid, metadata: { channel: "whatsapp" } });
      const sent = await sock.sendMessage(jid, { text: reply.text });
      if (sent?.key.id) answered.set(sent.key.id, reply.interaction);
      history.set(jid, [...turns, { role: "assistant", content: reply.text } satisfies Turn].slice(-REMEMBERED_TURNS));
    } catch {
      await sock.sendMessage(jid, { text: SORRY }); // a customer must not wait for an answer that does not come
    }
  }

  let queue = Promise.resolve(); // one after another: two messages of a person are answered in their order
  sock.ev.on("messages.upsert", ({ messages, type }) => {
    if (type !== "notify") return; // "append" is history that is synchronised, answered long ago
    for (const one of messages) queue = queue.then(() => answer(one)).catch(() => undefined);
  });
}
