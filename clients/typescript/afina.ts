/**
 * A client of afina's gateway in one file, without dependencies: Node 18 or newer, Deno, Bun, browsers.
 * The calls mirror those of the documents: `captureInteraction(userId, conversationId, userMessage, botResponse, context)` and `AiClient`.
 *
 *   const ai = new AiClient({ url: "http://127.0.0.1:8080", key: process.env.AFINA_KEY });
 *   const reply = await ai.ask({ text: "¿Hacen envíos a Temuco?", user: "56911112222", conversation: "c-17" });
 *   await ai.feedback({ interaction: reply.interaction, liked: true });
 */

export interface Options {
  /** The gateway's address. */
  url?: string;
  /** One of `afina keys add`. */
  key?: string;
  /** Longest wait for an answer, milliseconds. */
  timeoutMs?: number;
  /** How often a request is sent again when the gateway is busy or does not answer. */
  retries?: number;
}

export interface Turn {
  role: "system" | "user" | "assistant";
  content: string;
}

/** Whose message it is, and where and about what it was said. */
export interface Named {
  user?: string;
  conversation?: string;
  model?: string;
  metadata?: Record<string, string>;
}

export interface ChatRequest extends Named {
  messages: Turn[];
  temperature?: number;
  max_tokens?: number;
  [more: string]: unknown;
}

export interface TextRequest extends Named {
  text: string;
}

export interface StyleRequest extends TextRequest {
  history?: Turn[];
  locale?: string;
  /** 0 to 1. */
  intensity?: number;
  tone?: "coach" | "neutral" | "formal";
  context?: string[];
  user_state?: Record<string, unknown>;
}

export interface Reply {
  text: string;
  /** What feedback refers to. */
  interaction: string;
  model: string;
}

export interface Finding {
  rule: string;
  words: string;
  repair: string;
}

export interface StyledReply extends Reply {
  findings: Finding[];
}

export interface Parsed {
  intent: string;
  slots: Record<string, string>;
  confidence: number | null;
  interaction: string;
}

export interface Classified {
  fields: Record<string, string>;
  confidence: number | null;
  model: string;
  interaction: string;
}

export interface Opinion {
  interaction?: string;
  conversation?: string;
  liked?: boolean;
  rating?: 1 | 2 | 3 | 4 | 5;
  comment?: string;
  correction?: string | Record<string, string>;
  outcome?: { name: string; value?: number };
  reviewer?: string;
}

export interface CaptureContext {
  historial?: Turn[];
  productId?: string;
  productName?: string;
  category?: string;
  customerId?: string;
  channel?: string;
  /** The channel's own id of the message: sent twice it is recorded once. */
  id?: string;
}

/** The gateway refused (`status`), or did not answer (`status` 0). */
export class GatewayError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = "GatewayError";
  }
}

const BUSY = new Set([429, 502, 503, 504]);
const CAPTURE_TIMEOUT_MS = 2000;

export class AiClient {
  private readonly url: string;
  private readonly headers: Record<string, string>;
  private readonly timeoutMs: number;
  private readonly retries: number;

  constructor(options: Options = {}) {
    this.url = (options.url ?? "http://127.0.0.1:8080").replace(/\/+$/, "");
    this.headers = { "content-type": "application/json", ...(options.key ? { authorization: `Bearer ${options.key}` } : {}) };
    this.timeoutMs = options.timeoutMs ?? 120_000;
    this.retries = options.retries ?? 2;
  }

  /** A chat completion; its text, and what feedback refers to. */
  async chat(request: ChatRequest): Promise<Reply> {
    const { conversation, metadata, ...rest } = request;
    const named = { ...metadata, ...(conversation ? { conversation } : {}) };
    const reply = await this.send("/v1/chat/completions", { ...rest, metadata: named });
    return {
      text: reply.body.choices[0].message.content ?? "",
      interaction: reply.headers.get("x-afina-interaction") ?? "",
      model: reply.headers.get("x-afina-model") ?? "",
    };
  }

  /** The labels of a message. */
  async classify(request: TextRequest): Promise<Classified> {
    return (await this.send("/v1/classify", request)).body;
  }

  /** What a message wants. */
  async nluParse(request: TextRequest): Promise<Parsed> {
    return (await this.send("/nlu/parse", request)).body;
  }

  /** A reply in the person's manner. */
  async styleReply(request: StyleRequest): Promise<StyledReply> {
    return (await this.send("/style/reply", request)).body;
  }

  /** A free question. */
  async ask(request: TextRequest): Promise<StyledReply> {
    return (await this.send("/ask", request)).body;
  }

  /** What somebody thinks of an answer or a conversation. */
  async feedback(opinion: Opinion): Promise<void> {
    await this.send("/v1/feedback", opinion);
  }

  /**
   * Record an answer that was given elsewhere. Never throws: recording what was said must not break a reply.
   * `userId` is whoever runs the bot; whose the record is says the key.
   */
  async captureInteraction(
    userId: string,
    conversationId: string,
    userMessage: string,
    botResponse: string,
    context: CaptureContext = {},
  ): Promise<boolean> {
    const facts: Record<string, string | undefined> = {
      owner: userId,
      product: context.productId,
      product_name: context.productName,
      category: context.category,
      channel: context.channel,
    };
    const metadata = Object.fromEntries(Object.entries(facts).filter(([, value]) => value));
    const body = {
      text: userMessage,
      answer: botResponse,
      conversation: conversationId,
      user: context.customerId ?? "",
      history: context.historial ?? [],
      metadata,
      ...(context.id ? { id: context.id } : {}),
    };
    try {
      await this.send("/v1/interactions", body, { timeoutMs: CAPTURE_TIMEOUT_MS, retries: context.id ? this.retries : 0 });
      return true;
    } catch {
      return false;
    }
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  private async send(path: string, body: unknown, own: { timeoutMs?: number; retries?: number } = {}): Promise<{ body: any; headers: Headers }> {
    const retries = own.retries ?? this.retries;
    for (let attempt = 0; ; attempt++) {
      let status = 0;
      let message = "the gateway does not answer";
      let wait = 250 * 2 ** attempt;
      try {
        const signal = AbortSignal.timeout(own.timeoutMs ?? this.timeoutMs);
        const response = await fetch(this.url + path, { method: "POST", headers: this.headers, body: JSON.stringify(body), signal });
        const text = await response.text();
        if (response.ok) return { body: JSON.parse(text), headers: response.headers };
        status = response.status;
        message = errorOf(text);
        wait = 1000 * Number(response.headers.get("retry-after") ?? wait / 1000);
      } catch (error) {
        if (error instanceof SyntaxError) throw new GatewayError("the gateway did not answer with JSON", 502);
        if (error instanceof Error && error.name === "TimeoutError") throw new GatewayError(message, 0); // it may have been answered all the same
      }
      if (attempt >= retries || (status !== 0 && !BUSY.has(status)) || wait > 10_000) throw new GatewayError(message, status);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

function errorOf(text: string): string {
  try {
    const error = JSON.parse(text).error;
    return typeof error === "string" ? error : error.message;
  } catch {
    return text.slice(0, 200);
  }
}
