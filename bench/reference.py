"""ONNX Runtime as one drives it from Python: what the embedding engine is measured against."""

import os
import time

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MAXIMUM_TOKENS = 256
BATCH = 32


class Reference:
    """ONNX Runtime as one drives it from Python: length-sorted batches, mean over the mask, length 1."""

    def __init__(self, folder, threads):
        chosen = onnxruntime.SessionOptions()
        chosen.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), chosen, providers=["CPUExecutionProvider"]
        )
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        # "[SEP]" in a text is text, as for the extension.
        self.tokenizer.encode_special_tokens = True
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAXIMUM_TOKENS)

    def run(self, batch):
        """The last hidden state and the mask of texts given by their token ids."""
        width = max(map(len, batch))
        ids, mask = np.zeros((len(batch), width), np.int64), np.zeros((len(batch), width), np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return self.session.run(["last_hidden_state"], feeds)[0], mask

    def embed(self, texts, batch=BATCH):
        """The vectors in order, and the seconds of tokenising, running and pooling."""
        start = time.perf_counter()
        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        spent = {"tokenise": time.perf_counter() - start, "run": 0.0, "pool": 0.0}
        order = sorted(range(len(texts)), key=lambda text: len(tokens[text]))
        vectors = np.empty((len(texts), 384), np.float32)
        for first in range(0, len(order), batch):
            members = order[first : first + batch]
            start = time.perf_counter()
            state, mask = self.run([tokens[text] for text in members])
            middle = time.perf_counter()
            sums = (state * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
            vectors[members] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
            spent["run"] += middle - start
            spent["pool"] += time.perf_counter() - middle
        return vectors, spent
