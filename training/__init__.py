"""How the shipped model is made: corpus, training, evaluation. Never imported by the product."""
