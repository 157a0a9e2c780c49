"""Small, valid tokenizers of the kinds that the checkpoints come with; no training, no download."""

from __future__ import annotations

import string

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SPECIAL_TOKENS = {
    "bpe": {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    | {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"},
    "wordpiece": {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    | {"unk_token": "[UNK]", "mask_token": "[MASK]"},
}


def byte_level_bpe() -> Tokenizer:
    """``<s>`` text ``</s>``, ids 0, 1 (pad), 2 as in the Jina code model; 264 entries.

    Carries a truncation of 8 tokens and a fixed padding of 16, as all-MiniLM-L6-v2's file carries
    some of its own: a loader has to clear both.
    """
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet()), "ĠĠ", "ĠĠĠĠ", "in"]
    merges = [("Ġ", "Ġ"), ("ĠĠ", "ĠĠ"), ("i", "n")]
    tokenizer = Tokenizer(models.BPE({piece: n for n, piece in enumerate(pieces)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=16, pad_id=1, pad_token="<pad>")
    return tokenizer


def endless_bpe() -> Tokenizer:
    """The bytes and the special tokens of Qwen; closes texts with nothing. 259 entries, 0 is the end."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    pieces = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({piece: n for n, piece in enumerate(pieces)}, []))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return tokenizer


def word_piece() -> Tokenizer:
    """``[CLS]`` text ``[SEP]``, lower-cased single characters; pad id 0."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [c for c in string.printable if not c.isspace() and not c.isupper()]
    pieces = [*special, *letters, *(f"##{c}" for c in letters)]
    vocab = {piece: n for n, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    return tokenizer
