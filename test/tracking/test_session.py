import pytest

from jtn_ros.tracking.session import OUTLYING
from jtn_ros.tracking.session import REPEATED
from jtn_ros.tracking.session import UNSTAMPED
from jtn_ros.tracking.session import Admission
from jtn_ros.tracking.session import FrameKey
from jtn_ros.tracking.session import Session
from jtn_ros.tracking.session import When

SECOND = 1_000_000_000
TOLERANCE = SECOND // 10


def key(stamp_ns: int, width: int = 640, height: int = 480, frame_id: str = 'camera') -> FrameKey:
    return FrameKey(When(stamp_ns, stamp_ns), width, height, frame_id)


@pytest.fixture
def session() -> Session:
    session = Session(TOLERANCE)
    assert session.admit(key(5 * SECOND))[:2] == (5 * SECOND, None)
    return session


def test_growing_stamps_continue_the_session(session: Session) -> None:
    before = session.id
    assert session.admit(key(6 * SECOND))[:2] == (6 * SECOND, None)
    assert session.admit(key(60 * SECOND))[:2] == (60 * SECOND, None)
    assert session.id == before


def test_jitter_within_the_tolerance_continues_and_time_stands_still(session: Session) -> None:
    before = session.id
    assert session.admit(key(5 * SECOND - TOLERANCE))[:2] == (5 * SECOND, None)
    assert session.admit(key(5 * SECOND + 1))[:2] == (5 * SECOND + 1, None)
    assert session.id == before


def test_jump_back_beyond_the_tolerance_starts_a_session(session: Session) -> None:
    before = session.id
    stamp_ns, reason, _ = session.admit(key(5 * SECOND - TOLERANCE - 1))
    assert stamp_ns == 5 * SECOND - TOLERANCE - 1
    assert reason == 'the image stamps went back by 0.100 s'
    assert session.id != before


def test_steps_back_add_up(session: Session) -> None:
    reasons = [session.admit(key(5 * SECOND - n * TOLERANCE // 2))[1] for n in range(4)]
    assert [reason is None for reason in reasons] == [True, True, True, False]


@pytest.mark.parametrize(
    ('changed', 'reason'),
    [
        (key(6 * SECOND, width=320), 'the image size changed from 640x480 to 320x480'),
        (key(6 * SECOND, height=481), 'the image size changed from 640x480 to 640x481'),
        (key(6 * SECOND, frame_id='rear'), "the frame_id changed from 'camera' to 'rear'"),
    ],
)
def test_another_image_starts_a_session(session: Session, changed: FrameKey, reason: str) -> None:
    before = session.id
    assert session.admit(changed)[:2] == (6 * SECOND, reason)
    assert session.id != before
    assert session.admit(changed)[:2] == (6 * SECOND, None)


def test_restart_accepts_any_time_next(session: Session) -> None:
    before = session.id
    session.restart()
    assert session.id != before
    assert session.admit(key(0))[:2] == (0, None)


PERIOD = SECOND // 10
WALL = 1_700_000_000 * SECOND


def play(
    stamps: list[int], *, live: bool, received: list[int] | None = None
) -> tuple[list[Admission], list[int]]:
    """Return what a session makes of stamps, and the number of the first frame of each session.

    A live one looks ahead only where it has doubts.
    """
    arrivals = received or [WALL + number * PERIOD for number in range(len(stamps))]
    whens = [When(stamp, arrival) for stamp, arrival in zip(stamps, arrivals, strict=True)]
    session = Session(TOLERANCE)
    ids, admissions = [], []
    for when, following in zip(whens, [*whens[1:], None], strict=True):
        seen = following if not live or session.doubts(when) else None
        admissions.append(session.admit(FrameKey(when, 640, 480, 'camera'), seen))
        ids.append(session.id)
    return admissions, [ids.index(one) for one in ids]


@pytest.mark.parametrize('live', [False, True])
@pytest.mark.parametrize(
    ('bad', 'distrust'),
    [
        (0, UNSTAMPED),
        (5 * SECOND, OUTLYING),
        (WALL - 3600 * SECOND, OUTLYING),
        (WALL + SECOND, OUTLYING),
        (WALL + 86_400 * SECOND, OUTLYING),
        (WALL + 3 * PERIOD, REPEATED),
    ],
)
def test_a_lone_bad_stamp_is_an_outlier(bad: int, distrust: str, live: bool) -> None:
    stamps = [WALL + number * PERIOD for number in range(12)]
    stamps[4] = bad
    admissions, sessions = play(stamps, live=live)
    assert [a.stamp_ns for a in admissions] == [WALL + number * PERIOD for number in range(12)]
    assert [a.distrust for a in admissions] == [None] * 4 + [distrust] + [None] * 7
    assert set(sessions) == {0}


@pytest.mark.parametrize('live', [False, True])
def test_the_first_stamp_may_be_missing(live: bool) -> None:
    admissions, sessions = play([0, *(WALL + n * PERIOD for n in range(1, 5))], live=live)
    assert [a.stamp_ns for a in admissions] == [WALL + n * PERIOD for n in range(5)]
    assert set(sessions) == {0}


@pytest.mark.parametrize('live', [False, True])
def test_without_stamps_the_arrival_tells_the_time(live: bool) -> None:
    admissions, sessions = play([0] * 5, live=live)
    assert [a.stamp_ns for a in admissions] == [WALL + n * PERIOD for n in range(5)]
    assert {a.distrust for a in admissions} == {UNSTAMPED}
    assert set(sessions) == {0}


@pytest.mark.parametrize('live', [False, True])
@pytest.mark.parametrize('each', [2, 3, 100])
def test_stamps_that_repeat_let_time_go_on(each: int, live: bool) -> None:
    stamps = [WALL + (n // each) * each * PERIOD for n in range(12)]
    admissions, sessions = play(stamps, live=live)
    assert [a.stamp_ns for a in admissions] == [WALL + n * PERIOD for n in range(12)]
    assert set(sessions) == {0}


@pytest.mark.parametrize('live', [False, True])
@pytest.mark.parametrize('start', [0, SECOND, WALL - 60 * SECOND])
def test_a_recording_that_starts_over_is_no_outlier(start: int, live: bool) -> None:
    stamps = [start + (n % 4) * PERIOD for n in range(12)]
    admissions, sessions = play(stamps, live=live)
    assert sessions == [0] * 4 + [4] * 4 + [8] * 4
    assert [a.stamp_ns for a in admissions] == stamps
    assert [a.new_session for a in admissions if a.new_session] == [
        'the image stamps went back by 0.300 s'
    ] * 2


@pytest.mark.parametrize('live', [False, True])
def test_a_jump_ahead_that_lasts_is_believed(live: bool) -> None:
    stamps = [WALL + n * PERIOD + 3600 * SECOND * (n >= 3) for n in range(6)]
    admissions, sessions = play(stamps, live=live)
    assert [a.stamp_ns for a in admissions] == stamps
    assert set(sessions) == {0}


def test_steady_stamps_are_never_doubted() -> None:
    session = Session(TOLERANCE)
    for number in range(10):
        # As fast as the tracker can: the arrival says little about the stamps.
        when = When(WALL + number * PERIOD, number * PERIOD // 20)
        assert not session.doubts(when)
        session.admit(FrameKey(when, 640, 480, 'camera'))


def test_frames_that_repeat_or_come_late_are_behind(session: Session) -> None:
    def lag_ns(stamp_ns: int, following_ns: int | None = None) -> int | None:
        received_ns = 5 * SECOND + SECOND // 25
        following = None
        if following_ns is not None:
            following = When(following_ns, received_ns + SECOND // 25)
        return session.lag_ns(When(stamp_ns, received_ns), following)

    assert Session(TOLERANCE).lag_ns(When(SECOND, SECOND)) is None
    assert lag_ns(5 * SECOND + 1) is None
    assert lag_ns(0) is None
    assert lag_ns(5 * SECOND) == 0
    assert lag_ns(5 * SECOND - TOLERANCE) == TOLERANCE
    # What follows tells whether a frame is late or time has jumped back.
    assert lag_ns(4 * SECOND, 5 * SECOND + 2 * SECOND // 25) == SECOND
    assert lag_ns(4 * SECOND, 4 * SECOND + SECOND // 25) is None
    assert lag_ns(4 * SECOND) is None
    # Asking changes nothing.
    assert session.admit(key(6 * SECOND)) == Admission(6 * SECOND, None, None)
