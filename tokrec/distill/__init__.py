"""How tokrec-mini, the bundled bilingual encoder, is made: ``python -m tokrec.distill``.

The stages run in order and each leaves files that the next one reads, so that an interrupted run goes on where it stopped:

``corpus`` (pairs, with a held-out part) → ``tokenizer`` (WordPiece) → ``teacher`` (sentence vectors) → ``train`` → ``export``.

This subpackage is for development: the teacher and the corpus are not part of an installation.
"""
