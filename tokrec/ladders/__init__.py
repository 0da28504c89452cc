"""Ladders: what each step of a method adds, with its paired gain (chapters *ratings*, *collaborative* and *cold_start*)."""
