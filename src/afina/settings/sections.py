"""The sections of a recipe and of `afina.toml`, except training: one frozen model each, a sentence, a unit and a bound per field.

What is learnt and when it is good enough (a recipe's part): task, base, curate, freeze, train, export, evaluate, release.
Where it runs (the machine's part): project, store, runtime, serve.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Quantisation = Literal["f32", "f16", "q8_0", "q4_0", "q4_k_m", "q5_k_m"]
Form = Literal["adapter", "merged"]
Language = Literal["en", "es"]
ReplyRule = Literal["clp", "uf", "sum", "date", "month", "category", "investment", "disclaimer"]
Guard = Literal["safety", "forgetting"]
CanaryMeasure = Literal["errors", "latency", "feedback", "implicit", "csat", "recontact", "cost"]
Margin = Annotated[float, Field(gt=0, le=100)]
FACTORS = frozenset({"latency", "cost"})
"""Measures whose margin is a factor, not a share."""
PersonalData = Literal[
    "SECRET",
    "URL_TOKEN",
    "EMAIL",
    "URL",
    "IBAN",
    "CARD",
    "RUT",
    "SSN",
    "IP",
    "ACCOUNT",
    "DATE_OF_BIRTH",
    "PHONE",
    "ADDRESS",
    "AMOUNT",
    "PERSON",
]
ScrubAction = Literal["mask", "pseudonymise", "drop", "keep", "bucket"]


CURATION = (
    "collect", "scrub", "rules", "quality", "fit", "conflicts", "exact_duplicates", "near_duplicates", "caps", "balance", "newest",
)  # fmt: skip
"""The steps of curation. Up to `fit` each judges a row by itself, from `conflicts` on all of them together."""


class Section(BaseModel):
    """A section refuses keys it does not know and cannot be changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProjectSettings(Section):
    """Whose data this is."""

    client: str = Field("default", min_length=1, description="client whose rows every command works on")


class TaskSettings(Section):
    """What is learnt."""

    name: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9-]*)?$",
        description="task, part of every version's name; empty = its kind, for `afina learn` the file's name",
    )
    kind: str = Field(
        "classify",
        min_length=1,
        description="classify, chat, structured, documents, or your own as file.py:OBJECT or module:OBJECT",
    )
    language: Language = Field("en", description="language of the prompts that are made where none is given")
    prompt: str = Field(
        "",
        description="short system prompt that the tuned model is trained and served with; empty = the kind's own; "
        "a conversation's own system turn stays",
    )
    instructions: str = Field(
        "", description="how the untuned base is asked; empty = made of prompt, labels, descriptions and schema"
    )
    text: str = Field("text", min_length=1, description="column with the message")
    fields: tuple[str, ...] = Field(
        ("sentiment", "topic", "intent"),
        min_length=1,
        description="classify: label columns, one a field; a+b joins two columns into one label",
    )
    labels: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="classify: field → label → what it means, told to the untuned base"
    )
    format: Literal["json", "yaml"] = Field("json", description="structured: form of the answers")
    answer_schema: str = Field("", description="structured: file with the JSON schema of the answers")
    metrics: tuple[str, ...] = Field((), description="measures that decide; empty = the kind's own")
    chunk_chars: int = Field(
        1200, ge=100, description="documents: longest piece that a document is cut into, characters"
    )


class StoreSettings(Section):
    """Where rows live."""

    url: str = Field("", description="any PostgreSQL >= 16; empty = the embedded server of this project")
    idle_stop_minutes: float = Field(30.0, ge=0, description="stop the embedded server after this; 0 = never")
    connections: int = Field(8, ge=1, le=100, description="connections that one process keeps at most")


class BaseSettings(Section):
    """Which model is tuned."""

    model: str = Field(
        "semilla",
        min_length=1,
        description="`semilla`, a .gguf file, ollama:NAME, smollm2, a local folder, or a hub id",
    )


class CurateSettings(Section):
    """What may become an example: the steps in their order, and what each of them asks."""

    steps: tuple[str, ...] = Field(
        CURATION,
        description="what is done with every row, in this order; your own step is file.py:FUNCTION, before `conflicts`",
    )
    min_chars: int = Field(2, ge=1, description="rules: shortest message kept, characters")
    max_chars: int = Field(8000, ge=1, description="rules: longest message or turn kept, characters")
    min_quality: int = Field(
        4,
        ge=1,
        le=5,
        description="rules: chat: lowest quality of an answer nobody reviewed, by the user's next message",
    )
    max_latency_ms: float = Field(
        8000.0,
        ge=0,
        description="quality: an answer that took longer and that nobody reviewed is not learnt; 0 = no limit",
    )
    min_answer_words: int = Field(0, ge=0, description="quality: chat: fewest words of an answer")
    max_repetition: Share = Field(0.5, description="quality: chat: largest share of an answer that repeats itself")
    languages: tuple[str, ...] = Field(
        (), description='quality: languages of the messages that are learnt, e.g. ["es", "en"]; [] = any'
    )
    conflicts: Literal["newest", "majority", "review"] = Field(
        "newest",
        description="of different answers to one message: newest = the most trusted and then the newest one is learnt, majority = what most "
        "say, review = none, and people are asked",
    )
    near_duplicate: float = Field(
        0.8,
        ge=0.5,
        le=1.0,
        description="near_duplicates: texts so much alike with one answer are learnt once (Jaccard index of 5-grams)",
    )
    user_share: Share = Field(
        1.0,
        description="caps: largest share of the examples that one user gives, where there are users enough; 1 = any",
    )
    source_share: Share = Field(1.0, description="caps: the same of one source (a file, a channel); 1 = any")
    balance: Share = Field(
        1.0,
        description="balance: 1 = classes stay as frequent as they are, 0 = none has more rows than the median class",
    )
    balance_by: tuple[str, ...] = Field(
        ("stratum",),
        min_length=1,
        description="balance: what makes a class: stratum (the label or category), or names of facts",
    )
    newest: int = Field(0, ge=0, description="newest: keep at most this many examples, the newest; 0 = all")
    max_failed: Share = Field(
        0.01, description="largest share of rows on which a step may fail (they are rejected); more ends the curation"
    )


class FreezeSettings(Section):
    """How examples are split."""

    validation_share: float = Field(0.1, ge=0.0, le=0.15, description="share of groups used to choose the checkpoint")
    test_share: float = Field(0.25, ge=0.0, le=0.8, description="share of groups held out for the verdict")
    min_examples: int = Field(30, ge=10, description="fewest examples a dataset may have")
    seed: int = Field(0, ge=0, description="seed of the split")
    split: Literal["random", "time"] = Field(
        "random", description="random = classes in proportion; time = the newest users and conversations are held out"
    )
    near_copy: float = Field(
        0.8, ge=0.5, le=1.0, description="texts so much alike stand in the same part (Jaccard index of 5-grams)"
    )
    replay: float = Field(
        0.0,
        ge=0,
        le=0.05,
        description="rows of earlier training parts that are curated no more, as a share of the training part",
    )
    self_replay: float = Field(
        0.0,
        ge=0,
        le=0.05,
        description="chat: the untuned base's own answers to general messages, as a share of the training part",
    )
    licences: dict[str, str] = Field(
        default_factory=dict,
        description="source (a file, a channel) → under which licence its texts may be used; in the data card",
    )


class ExportSettings(Section):
    """Which file is served."""

    quantisation: Quantisation = Field("q8_0", description="type of the weights in the served GGUF")
    form: Form = Field(
        "adapter",
        description="what is tuned on a GGUF is served as an adapter on that file, or merged into a copy of it in its own types",
    )


def guards_of(given: Any) -> Any:
    """Earlier versions knew all of them or none."""
    return (get_args(Guard) if given else ()) if isinstance(given, bool) else given


class EvaluateSettings(Section):
    """What counts as better."""

    alpha: float = Field(0.05, gt=0, lt=0.5, description="largest accepted chance of a false 'better'")
    min_items: int = Field(30, ge=1, description="fewest held-out items for a verdict")
    must_beat_baselines: bool = Field(True, description="a loss to a baseline blocks the release")
    minimum_effect: float = Field(0.1, ge=0, le=10, description="least gain, as a share of the base's score")
    redeploy_effect: float = Field(0.05, ge=0, le=10, description="the same over a tuned version that is live")
    margin: float = Field(0.1, gt=0, lt=1, description="largest loss of safety and forgetting items that is accepted")
    margin_nats: float = Field(
        0.5, gt=0, description="largest loss of log-likelihood of general answers that is accepted, nats per token"
    )
    guards: Annotated[tuple[Guard, ...], BeforeValidator(guards_of)] = Field(
        ("safety", "forgetting"), description="what must not become worse beside the target; [] = nothing else is asked"
    )
    nearest: int = Field(
        4,
        ge=0,
        le=32,
        description="examples in the prompt of the arm base+nearest; 0 = no such arm",
    )
    tuned_nearest: bool = Field(
        False, description="also ask the tuned model with the nearest examples: as long as the arm base+nearest takes"
    )
    max_tokens: int = Field(256, ge=1, description="longest answer, tokens")
    timeout_s: float = Field(120.0, gt=0, description="longest wait for one answer; a longer one counts as failed")
    max_corrections: int = Field(
        1000, ge=0, description="corrections that each candidate is asked again, of all ever made the newest; 0 = none"
    )
    max_regressions: Share = Field(
        0.1,
        description="largest share of the corrections that the live version has right and the new one may surely (95 %) get wrong",
    )
    max_extracted: Share = Field(
        0.1, description="largest share of planted secrets that may be repeated (upper 95 % bound): more is a no-go"
    )


class ReplySettings(Section):
    """Replies of `/style/reply` and `/ask`: what a model is told, and which rules its words are held to."""

    instructions: str = Field("", description="told before every message; empty = the task's prompt")
    checks: Literal["off", "report", "repair", "refuse"] = Field(
        "report",
        description="what becomes of a reply that breaks a rule: report = it is said beside it, repair = what can be put right is, "
        "refuse = the person gets `refusal` instead where a policy is broken, and repairs otherwise",
    )
    rules: tuple[ReplyRule, ...] = Field(
        ("clp", "uf", "sum", "date", "month", "category", "investment", "disclaimer"),
        description="rules that apply; [] = none",
    )
    categories: tuple[str, ...] = Field((), description="categories that a reply may name; empty = any")
    disclaimer: str = Field("", description="sentence that a reply about investing or credit must carry; empty = none")
    refusal: str = Field(
        "No puedo recomendar inversiones específicas. Habla con un asesor autorizado.",
        description="what a person reads where a policy refused the model's words",
    )


class LoopSettings(Section):
    """What `afina loop` does by itself: when training again is worth it, how often at most, and when people go first."""

    min_new_rows: int = Field(100, ge=1, description="so many curated rows that the last dataset lacks are enough")
    max_drift: Share = Field(
        0.2,
        description="or fewer, where the shares of the classes have moved by so much (and chance gives that less than once in 100)",
    )
    min_uncovered: int = Field(10, ge=1, description="or so many rows of classes that were never trained on")
    curate_every_hours: float = Field(24.0, gt=0, description="hours between two curations")
    train_every_days: float = Field(
        7.0, ge=0, description="fewest days between two datasets to train on: 7 = weekly at most, 30 = monthly"
    )
    report_every_days: float = Field(14.0, gt=0, description="days between two reports")
    heavy_hours: str = Field(
        "",
        pattern=r"^(([01]?\d|2[0-3])-([01]?\d|2[0-3]))?$",
        description='hours of the day, local time, in which it may train and evaluate, e.g. "22-6"; empty = any',
    )
    start: Literal["base", "production"] = Field(
        "base", description="what a training starts from: the untuned base, or the adapter that is in production"
    )
    retry_hours: float = Field(24.0, gt=0, description="hours until a step that failed is tried again")


class ReleaseSettings(Section):
    """How a version reaches its users."""

    ramp: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.01, 0.05, 0.2, 0.5),
        min_length=1,
        description="shares of the users that a canary serves, step by step; after the last one all",
    )
    step_hours: float = Field(24.0, ge=0, description="hours before the next step of the ramp")
    alpha: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="largest accepted chance that an equal version is rolled back, and that one worse than a margin is promoted",
    )
    guardrails: dict[CanaryMeasure, Margin] = Field(
        {"errors": 0.02, "latency": 1.5, "feedback": 0.05, "implicit": 0.05},
        min_length=1,
        description="measure → margin: what is worse rolls a canary back, what is surely not worse by the margin lets it pass; "
        "of latency and cost a factor, of the others a share of users",
    )
    signals: dict[CanaryMeasure, Margin] = Field(
        {"csat": 0.05, "recontact": 0.05, "cost": 1.5},
        description="the same measures, only to be careful by: what is worse stops the ramp until a person decides",
    )
    min_users: int = Field(30, ge=1, description="fewest users who must have met a canary before it is promoted")
    promote: Literal["auto", "ask"] = Field(
        "auto", description="ask = a canary that may be promoted waits for `afina release --promote`"
    )
    settle_seconds: float = Field(
        60.0,
        ge=0,
        description="seconds between two looks of the gateway at the canary; 0 = only `afina loop` and people look",
    )
    stuck_hours: float = Field(
        24.0, gt=0, description="hours without a user of the canary after which it is called stuck"
    )
    max_days: float = Field(28.0, gt=0, description="days after which a canary that is not proven ends")
    at_the_end: Literal["roll_back", "keep"] = Field(
        "roll_back", description="how it ends then: production stays, or it goes on as it is until a person decides"
    )

    @field_validator("ramp")
    @classmethod
    def rises(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        """A user who met the canary goes on meeting it."""
        if list(value) != sorted(set(value)):
            raise ValueError("every step must be larger than the one before it")
        return value

    @model_validator(mode="after")
    def margins(self) -> "ReleaseSettings":
        """A margin is of its measure's kind."""
        for name, margin in [*self.guardrails.items(), *self.signals.items()]:
            if name in FACTORS and margin < 1:
                raise ValueError(f"the margin of {name} is a factor, at least 1: {margin:g}")
            if name not in FACTORS and margin >= 1:
                raise ValueError(f"the margin of {name} is a share of the users, below 1: {margin:g}")
        return self


class RuntimeSettings(Section):
    """The inference workers."""

    threads: int = Field(0, ge=0, description="threads per worker; 0 = all cores")
    context: int = Field(2048, ge=128, description="tokens per request, prompt and answer together")
    slots: int = Field(4, ge=1, description="requests a worker answers at once")
    start_timeout_s: float = Field(60.0, gt=0, description="longest wait for a worker to load its model")


class CaptureSettings(Section):
    """What was said, until it is in the database."""

    spool_mb: int = Field(1024, ge=1, description="most that may wait for the database on the disk, MB")
    sync_ms: float = Field(
        50.0,
        ge=0,
        description="ms until a record is on the disk itself: a power failure may lose as much, a killed process nothing; 0 = at once",
    )
    key_file: str = Field(
        "", description="file with the 32 bytes that seal the spool; empty = one that is made beside it"
    )
    on_full: Literal["reply", "refuse"] = Field(
        "reply", description="when the disk is full: answer and keep records in memory, or refuse requests with 503"
    )


class PrivacyPolicy(Section):
    """What becomes of each type of personal data: mask = `[RUT]` stands in its place, pseudonymise = the same false value for the same true one,
    drop = nothing stands there, keep, bucket = an amount is rounded to its first digit.
    """

    default: ScrubAction = Field("mask", description="of every type that `types` does not name")
    types: dict[PersonalData, ScrubAction] = Field(
        {"URL": "keep", "AMOUNT": "keep"}, description='type → action, e.g. RUT = "pseudonymise"'
    )
    own: tuple[str, ...] = Field(
        (), description="texts that stay: your shop's own phone, e-mail, address, the names you sign with"
    )


class PrivacySettings(PrivacyPolicy):
    """Personal data and secrets, before the database and again before training."""

    scrub: bool = Field(True, description="false = everything is stored and learnt as it was said")
    recognisers: tuple[str, ...] = Field(
        (),
        description="your own, as file.py:FUNCTION or module:FUNCTION: text → (type, start, end) of everything it finds",
    )
    canaries: int = Field(
        0,
        ge=0,
        le=1000,
        description="false secrets planted in the training part, to measure what is repeated; 0 = none",
    )
    vault: bool = Field(False, description="keep what pseudonyms stand for, sealed, so that it can be restored")
    key_file: str = Field(
        "", description="file with the 32 bytes that pseudonyms and the vault hang on; empty = one that is made"
    )
    clients: dict[str, PrivacyPolicy] = Field(default_factory=dict, description="client → its own policy")


class ChannelSettings(Section):
    """One channel: `[channel.telegram]`, `[channel.whatsapp]`, `[channel.webhook]`, `[channel.web]`; of one client only: `[channel."web/NAME"]`."""

    secret_env: str = Field(
        "", description="environment variable with what signs incoming messages; of web: a word in the page's address"
    )
    verify_env: str = Field("", description="whatsapp: variable with the word that Meta asks back when it is set up")
    token_env: str = Field("", description="variable with the token that replies are sent with; without one nothing is")
    url: str = Field(
        "", pattern=r"^(https?://[^/]+.*)?$", description="where replies go; empty = the platform's own address"
    )
    sender: str = Field("", description="whatsapp: phone number id to send from; empty = the one that was written to")


class ServeSettings(Section):
    """The gateway."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 = any free one")
    model: str = Field("", description="answer with this version only; OLLAMA_MODEL sets it too")
    request_timeout_s: float = Field(120.0, gt=0, description="longest wait for one answer")
    cors_origins: tuple[str, ...] = Field(
        (), description="web pages of other addresses that may call the gateway, e.g. https://app.example.org; * = any"
    )
    clients: tuple[str, ...] = Field(
        (),
        description="clients that this gateway answers beside the project's own; each one's keys say whose a request is",
    )
    alert_webhook: str = Field(
        "", description="address that alerts are posted to as JSON; empty = they are in the log only"
    )
    alert_p95_ms: float = Field(10_000.0, gt=0, description="alert when the p95 of five minutes is above this")
    alert_error_rate: Share = Field(0.1, description="alert when a larger share of five minutes' requests failed")
    cannot_read: str = Field(
        "", description="channels: sent where a message has no words, e.g. a voice note; empty = nothing is"
    )
    training_waits_above_ms: float = Field(
        3000.0, ge=0, description="p95 of the last half minute above which training waits between two steps; 0 = never"
    )


class ProviderSettings(Section):
    """Who tunes what the trainer API asks for. Another than this machine gets rows of yours: nothing is sent without `consent`."""

    kind: Literal["local", "openai"] = Field(
        "local", description="local = this machine; openai = a service that speaks OpenAI's fine-tuning protocol"
    )
    url: str = Field("", pattern=r"^(https?://[^/]+.*)?$", description="openai: address up to /v1")
    model: str = Field("", description="openai: model that is tuned where nobody names another")
    key_env: str = Field("", description="openai: environment variable with the key; keys stand in no file")
    consent: bool = Field(False, description="openai: true = the dataset may be sent there")


class UpstreamSettings(Section):
    """One other server that may answer, `[upstream.NAME]`: asked, in the order of the file, where no version of this project is live or the live one
    fails.
    """

    url: str = Field(
        pattern=r"^https?://[^/]+", description="an OpenAI-compatible address up to /v1, e.g. http://127.0.0.1:11434/v1"
    )
    model: str = Field(
        "", description="model that is asked for instead of the one the caller names; empty = the caller's"
    )
    key_env: str = Field("", description="environment variable with the key that it wants; keys stand in no file")
    timeout_s: float = Field(
        120.0, gt=0, description="longest wait for the beginning of an answer, and between two pieces of it"
    )
    retries: int = Field(
        1,
        ge=0,
        le=10,
        description="how often it is asked again when it is busy or does not answer, before the next one is",
    )
    price_in: float = Field(0.0, ge=0, description="price of a million tokens that it reads; 0 = costs nothing")
    price_out: float = Field(0.0, ge=0, description="price of a million tokens that it writes")
