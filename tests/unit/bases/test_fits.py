"""What fits into a machine."""

from afina.bases.fits import GIB, what_fits


def test_memory_and_disk_both_decide() -> None:
    """24 GiB train a 3B model if the disk holds its files, and serve a 14B one."""
    fits = {fit.size: fit for fit in what_fits(memory=24 * GIB, disk=200e9)}
    full = {fit.size: fit for fit in what_fits(memory=24 * GIB, disk=5e9)}

    assert [size for size, fit in fits.items() if fit.trains] == ["0.5B", "3B", "7B", "14B"]
    assert [size for size, fit in fits.items() if fit.exports] == ["0.5B", "3B"]
    assert fits["14B"].serves
    assert not full["3B"].trains
