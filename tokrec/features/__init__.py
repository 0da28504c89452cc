"""Features: from tokens to vectors. TF-IDF, encoders, and the places where vectors are kept (chapters *keywords* and *bert_features*)."""
