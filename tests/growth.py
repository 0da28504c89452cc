"""How the work of a function grows with its input, on any machine, busy or not."""

import gc
import time
from collections.abc import Callable


def processor_seconds(function: Callable[[], object]) -> float:
    """What a call takes of the processor, the least of three; waiting for other programs does not count."""
    seconds = []
    gc.disable()  # its share depends on what else the process holds
    try:
        for _ in range(3):
            started = time.process_time()
            function()
            seconds.append(time.process_time() - started)
    finally:
        gc.enable()
    return min(seconds)


def assert_linear(function: Callable[[int], object], size: int) -> None:
    """Four times the input may take four times the work, with much to spare, and not sixteen times."""
    function(size // 8)  # what is loaded once
    small, large = (processor_seconds(lambda n=n: function(n)) for n in (size, 4 * size))
    assert large < 10 * small + 0.05, f"{size} characters took {small:.3f} s, four times as many {large:.3f} s"
