"""What a checkpoint of one family looks like on disk: a module per family.

Each has ``config(checkpoint)`` with the keys of the published config.json, ``shapes(checkpoint)`` with the
stored tensor names, ``tokenizer(checkpoint)`` and ``special_tokens(checkpoint)`` for tokenizer_config.json.
"""
