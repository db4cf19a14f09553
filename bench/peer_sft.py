"""Steps of other trainers on the same rows, in their own environment. Reads a job (JSON) from stdin, prints JSON lines.

Run by `bench.peers`; imports nothing of this project, because its environment has only the peer.
"""

import json
import resource
import sys
import tempfile
import time
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig, TrainerCallback

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Clock(TrainerCallback):
    """Seconds of every optimiser step."""

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Start."""
        self.began = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Stop and say."""
        say(time.perf_counter() - self.began)


def say(seconds: float) -> None:
    """One step's time."""
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")
    sys.stdout.flush()


def model_of(job: dict[str, Any]) -> Any:
    """The shape with random weights in the job's type, else float32; or a folder in NF4."""
    torch.manual_seed(0)
    if job.get("folder"):
        four = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.float32,
        )
        return AutoModelForCausalLM.from_pretrained(
            job["folder"], quantization_config=four, dtype=torch.float32, device_map="cpu"
        )
    config = AutoConfig.for_model(**job["config"])
    config.use_cache = False
    return AutoModelForCausalLM.from_config(config, dtype=getattr(torch, job.get("type", "float32")))


def lora(job: dict[str, Any]) -> LoraConfig:
    """Rank and scale as in this project's arm; no dropout."""
    return LoraConfig(
        r=job["r"], lora_alpha=2 * job["r"], lora_dropout=0.0, target_modules=LINEAR, task_type="CAUSAL_LM"
    )


def run_trl(job: dict[str, Any]) -> None:
    """TRL's SFTTrainer; `batch` examples a forward pass, `packing` for one row of all."""
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    rows = job["rows"] * job["steps"]
    longest = max(len(row["input_ids"]) for row in rows)
    packed = bool(job.get("packing"))
    size = sum(len(row["input_ids"]) for row in job["rows"]) if packed else longest
    half = job.get("type") == "bfloat16"
    defaults = {} if job.get("as_installed") else {"bf16": half, "gradient_checkpointing": bool(job.get("folder"))}
    batch = 1 if packed else job["batch"]
    with tempfile.TemporaryDirectory() as scratch:
        arguments = SFTConfig(
            output_dir=scratch,
            use_cpu=True,
            max_steps=job["steps"],
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=1 if packed else len(job["rows"]) // batch,
            packing=packed,
            max_length=size,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            learning_rate=1e-4,
            **defaults,
        )
        trainer = SFTTrainer(
            model=model_of(job),
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            peft_config=lora(job),
            processing_class=AutoTokenizer.from_pretrained(job["tokenizer"]),
            callbacks=[Clock()],
        )
        trainer.train()
    sys.stdout.write(json.dumps({"rss_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9}) + "\n")


def run_plain(job: dict[str, Any]) -> None:
    """The loop most people write: PEFT, one example at a time, gradients accumulated."""
    model = get_peft_model(model_of(job), lora(job)).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    for _ in range(job["steps"]):
        began = time.perf_counter()
        for row in job["rows"]:
            model(input_ids=torch.tensor([row["input_ids"]]), labels=torch.tensor([row["labels"]])).loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        say(time.perf_counter() - began)


def main() -> None:
    """One job."""
    job = json.load(sys.stdin)
    torch.set_num_threads(job["threads"])
    {"trl": run_trl, "plain": run_plain}[job["peer"]](job)


if __name__ == "__main__":
    main()
