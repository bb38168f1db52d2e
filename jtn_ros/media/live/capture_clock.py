"""Capture times of the images of a stream, and detection of delayed images."""

# If a read takes this long, no image was queued before. [s]
_WAIT_S = 0.001
# Images after a pause of this length, and of three periods, are old. [s]
_SILENCE_S = 0.5
# An image that is read this much later than it was taken was delayed; skip those in between. [s]
_BEHIND_NS = 1_000_000_000
# After a pause, images this late were delayed as well, unless this number of consecutive images
# arrive on time. The same applies to images without timestamps.
_HELD_NS, _PATIENCE = 200_000_000, 5
# A reader that never catches up gets old images, with their times, instead of none.
_LONGEST_DOUBT_NS = 3_000_000_000
# A larger error of the offset than this is not caused by the drift of the clocks.
_WRONG_NS = 50_000_000
# Rates at which the offset follows images that arrive earlier, and later, than predicted.
_FASTER, _SLOWER = 0.02, 0.001


class CaptureClock:
    """Converts the times of a stream to times of this machine.

    The offset between the two clocks is the smallest delay observed, because images may be delayed
    but never arrive early. It is estimated at the start, from the images that are already queued,
    and then follows the drift of the clocks slowly, so that the spacing of the stream is kept.
    """

    def __init__(self) -> None:
        """Start before the first image."""
        self._offset_ns: int | None = None
        self._last = (0, 0)
        self._period_ns: float | None = None
        self._steady = 0
        self._doubted_ns = 0
        self._silent = False
        self.current = False
        self.behind = False

    def observe(self, time_ns: int, arrival_ns: int, waited_s: float) -> None:
        """Process the next image.

        Afterwards, `current` indicates whether it is new rather than queued before a silence, and
        `behind` whether the reader falls behind the stream.

        Args:
            time_ns: in the time of the stream; `arrival_ns` where the stream has none.
            arrival_ns: in the time of this machine.
            waited_s: seconds that reading it took.
        """
        delay_ns = arrival_ns - time_ns
        waited = waited_s >= _WAIT_S
        age_ns = 0 if self._offset_ns is None else delay_ns - self._offset_ns
        self.behind = age_ns > _BEHIND_NS and not waited
        step_ns = time_ns - self._last[0]
        if self._offset_ns is None:
            self._offset_ns, self._doubted_ns = delay_ns, arrival_ns
        elif self._came_late(waited_s) or (self.current and waited and age_ns > _BEHIND_NS):
            # The image was delayed, or the clock of the stream has jumped.
            self.current, self._steady, self._doubted_ns = False, 0, arrival_ns
            self._silent = True
        elif not self.current:
            steady = waited and self._is_steady(time_ns, arrival_ns)
            self._steady = self._steady + 1 if steady else 0
            new = age_ns < _HELD_NS and not (self._silent and time_ns == arrival_ns)
            self.current = steady and (new or self._steady >= _PATIENCE)
            jumped = self.current and age_ns >= _HELD_NS
            self._offset_ns = delay_ns if jumped else min(self._offset_ns, delay_ns)
            self.current = self.current or arrival_ns - self._doubted_ns > _LONGEST_DOUBT_NS
        elif age_ns < -_WRONG_NS:
            self._offset_ns = delay_ns
        elif step_ns > 0:
            change_ns = min(max(age_ns, -_FASTER * step_ns), _SLOWER * step_ns)
            self._offset_ns += round(change_ns)
        if self.current and step_ns > 0:
            period_ns = self._period_ns or step_ns
            self._period_ns = period_ns + 0.1 * (min(step_ns, 3 * period_ns) - period_ns)
        self._last = time_ns, arrival_ns

    def stamp(self, time_ns: int) -> int:
        """Return the capture time of an image, in nanoseconds of this machine."""
        assert self._offset_ns is not None
        return time_ns + self._offset_ns

    def _came_late(self, waited_s: float) -> bool:
        """Return whether there was a pause before the image."""
        if self._period_ns is None:
            return False
        return waited_s > max(_SILENCE_S, 3e-9 * self._period_ns)

    def _is_steady(self, time_ns: int, arrival_ns: int) -> bool:
        """Return whether images arrive at the rate of their capture, not in a faster burst."""
        last_time_ns, last_arrival_ns = self._last
        gap_ns = arrival_ns - last_arrival_ns
        return gap_ns > max(time_ns - last_time_ns, self._period_ns or 0) / 2
