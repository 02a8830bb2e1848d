"""Measures the choices behind the embedding engine in ONNX Runtime driven from Python: threads, batches, graph optimisation, ORT format."""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from reference import Reference, onnxruntime

LEVELS = {
    "none": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


@dataclass(frozen=True)
class Choice:
    """A way to run the model; what is not said is as in the engine: runs of 256 tokens, all optimisations, prepacking, arena."""

    title: str
    threads: int = 2
    # Texts of a run, or tokens of a run with padding, or neither: one text at a time.
    texts: int | None = None
    tokens: int | None = 256
    padding: bool = True
    level: str = "all"
    prepacking: bool = True
    arena: bool = True
    ort_format: bool = False


CHOICES = [
    Choice("as the engine: runs of 256 tokens, 2 threads"),
    Choice("1 thread", threads=1),
    Choice("runs of 32 texts", texts=32, tokens=None),
    Choice("runs of 128 tokens", tokens=128),
    Choice("runs of 512 tokens", tokens=512),
    Choice("runs of 1,024 tokens", tokens=1024),
    Choice("one text a run", texts=1, tokens=None),
    Choice("runs of 256 tokens, only texts of one length together: no padding", padding=False),
    Choice("graph optimisation: extended", level="extended"),
    Choice("graph optimisation: basic", level="basic"),
    Choice("graph optimisation: none", level="none"),
    Choice("without the arena", arena=False),
    Choice("without prepacking", prepacking=False),
    # Weights that are used where the file is mapped cannot be prepacked: the row above is their speed.
    Choice("ORT format", ort_format=True),
]


def make_session(folder, scratch, choice):
    """A session."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = choice.threads
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = choice.arena
    options.graph_optimization_level = LEVELS[choice.level]
    if not choice.prepacking:
        options.add_session_config_entry("session.disable_prepacking", "1")
    path = folder / "model.onnx"
    model = str(path)
    if choice.ort_format:
        converted = scratch / "model.ort"
        if not converted.exists():
            making = onnxruntime.SessionOptions()
            making.optimized_model_filepath = str(converted)
            making.log_severity_level = 3
            making.add_session_config_entry("session.save_model_format", "ORT")
            onnxruntime.InferenceSession(str(path), making, providers=["CPUExecutionProvider"])
        model = str(converted)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def runs(lengths, choice):
    """Cuts texts, given by their sorted lengths, into runs."""
    start = 0
    for end in range(1, len(lengths) + 1):
        more = end < len(lengths)
        texts, width = end + 1 - start, lengths[end] if more else 0
        if choice.texts is not None:
            full = texts > choice.texts
        else:
            full = texts * width > choice.tokens
        if not more or full or (not choice.padding and width != lengths[end - 1]):
            yield range(start, end)
            start = end


def embed(reference, tokens, choice):
    """Runs the model on texts given by their token ids."""
    order = sorted(tokens, key=len)
    for members in runs([len(ids) for ids in order], choice):
        reference.run([order[text] for text in members])


def private_memory(folder, scratch, number, question):
    """Private MiB that a session and one question take in a new process."""
    command = [sys.executable, "-B", __file__, str(folder), str(scratch), str(number), question]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def own_private_memory():
    """Private MiB of this process."""
    text = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M)) / 1024


def measure(folder, texts, questions, rounds):
    """The table as lines of Markdown. `texts` are groups of texts by name: bars and mixed."""
    reference = Reference(folder, 1)
    tokens = {name: [one.ids for one in reference.tokenizer.encode_batch(group)] for name, group in texts.items()}
    asked = [reference.tokenizer.encode(question).ids for question in questions]
    lines = ["| choice | bars/s | mixed texts/s | 10-token question, ms | private MiB |", "|---|---:|---:|---:|---:|"]
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        sessions = [make_session(folder, scratch, choice) for choice in CHOICES]
        rates = [{"bars": [], "mixed": [], "question": []} for _ in CHOICES]
        for _ in range(rounds):
            for choice, session, rate in zip(CHOICES, sessions, rates):
                reference.session = session
                reference.run(tokens["mixed"][:1])
                for name, group in tokens.items():
                    start = time.perf_counter()
                    embed(reference, group, choice)
                    rate[name].append(len(group) / (time.perf_counter() - start))
                start = time.perf_counter()
                for ids in asked:
                    reference.run([ids])
                rate["question"].append(1000 * (time.perf_counter() - start) / len(asked))
        for number, (choice, rate) in enumerate(zip(CHOICES, rates)):
            bar, mixed, one = (statistics.median(rate[name]) for name in ("bars", "mixed", "question"))
            memory = private_memory(folder, scratch, number, questions[0])
            lines.append(f"| {choice.title} | {bar:.1f} | {mixed:.1f} | {one:.2f} | {memory:.0f} |")
    return lines


def main():
    """Prints the private memory of one choice, in a process of its own: MODEL_FOLDER SCRATCH NUMBER QUESTION."""
    folder, scratch, number, question = sys.argv[1:]
    reference = Reference(Path(folder), 1)
    reference.session = None
    before = own_private_memory()
    reference.session = make_session(Path(folder), Path(scratch), CHOICES[int(number)])
    reference.run([reference.tokenizer.encode(question).ids])
    print(own_private_memory() - before)


if __name__ == "__main__":
    main()
