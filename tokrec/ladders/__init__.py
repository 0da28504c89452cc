"""Long comparisons, each kept as a stored result: a chapter shows them and says how they are made anew."""
