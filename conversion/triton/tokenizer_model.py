"""Texts to padded token ids, inside of Triton's Python backend; ``convert-weights --to triton`` copies it.

Needs ``tokenizers`` and ``numpy`` in Triton's Python. The texts of a request get the length of the shortest
bucket that holds the longest of them: Triton joins only requests of one length.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import triton_python_backend_utils as triton
from tokenizers import Tokenizer


class TritonPythonModel:
    """TEXT, (n, 1) bytes -> input_ids and attention_mask, (n, length) int64.

    The mask says how often a token stands in its text, for a model that reads repeated ones once; else 1.
    TOKENS, (n, 1) int32, are the tokens of each text before it is cut.
    """

    def initialize(self, args):
        """Read the tokenizer that lies beside this file."""
        parameters = json.loads(args["model_config"])["parameters"]
        said = {name: value["string_value"] for name, value in parameters.items()}
        self._buckets = [int(length) for length in said["buckets"].split(",")]
        self._pad = int(said["pad_id"])
        self._counts_repeats = said.get("count_repeated_tokens") == "true"
        self._tokenizer = Tokenizer.from_file(str(Path(__file__).with_name("tokenizer.json")))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def execute(self, requests):
        """Answer each request for itself; one that cannot be read fails alone."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        try:
            rows = triton.get_input_tensor_by_name(request, "TEXT").as_numpy().reshape(-1)
            texts = [row.decode("utf-8", "replace") for row in rows]
            ids, mask, counts = self.tokens(texts)
        except Exception as error:
            return triton.InferenceResponse([], triton.TritonError(f"the texts cannot be read: {error}"))
        named = {"input_ids": ids, "attention_mask": mask, "TOKENS": counts}
        return triton.InferenceResponse([triton.Tensor(name, value) for name, value in named.items()])

    def tokens(self, texts):
        """Return ids, mask and counts of texts."""
        encodings = self._tokenizer.encode_batch(texts)
        cut = [self._counted(self._cut(encoding)) for encoding in encodings]
        length = next(bucket for bucket in self._buckets if bucket >= max(map(len, cut)))
        ids = np.full((len(texts), length), self._pad, np.int64)
        mask = np.zeros((len(texts), length), np.int64)
        for row, sequence in enumerate(cut):
            ids[row, : len(sequence)] = [token for token, _ in sequence]
            mask[row, : len(sequence)] = [count for _, count in sequence]
        return ids, mask, np.array([[len(encoding.ids)] for encoding in encodings], np.int32)

    def _counted(self, ids):
        """Pair each token that is read with how often it stands there."""
        return list(Counter(ids).items()) if self._counts_repeats else [(token, 1) for token in ids]

    def _cut(self, encoding):
        """Cut a text at its end; the special tokens that close it stay."""
        ids, most = encoding.ids, self._buckets[-1]
        if len(ids) <= most:
            return ids or [self._pad]
        special = encoding.special_tokens_mask
        closing = next(at for at, flag in enumerate(reversed(special)) if not flag)
        return ids[: most - closing] + (ids[-closing:] if closing else [])
