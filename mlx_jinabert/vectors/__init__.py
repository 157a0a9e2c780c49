"""Hidden states to vectors: pooling, Matryoshka cut, precision."""
