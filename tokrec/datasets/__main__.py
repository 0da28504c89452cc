"""``python -m tokrec.datasets``: compute the shelf's derived files anew, after a change of items, of the simulator or of the weights."""

from tokrec.datasets.readers import write_readers
from tokrec.datasets.vectors import write_vectors

if __name__ == "__main__":
    write_readers()
    write_vectors()
