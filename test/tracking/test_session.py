import pytest

from jtn_ros.tracking.session import FrameKey
from jtn_ros.tracking.session import Session

SECOND = 1_000_000_000
TOLERANCE = SECOND // 10


def key(stamp_ns: int, width: int = 640, height: int = 480, frame_id: str = 'camera') -> FrameKey:
    return FrameKey(stamp_ns, width, height, frame_id)


@pytest.fixture
def session() -> Session:
    session = Session(TOLERANCE)
    assert session.admit(key(5 * SECOND)) == (5 * SECOND, None)
    return session


def test_growing_stamps_continue_the_session(session):
    before = session.id
    assert session.admit(key(6 * SECOND)) == (6 * SECOND, None)
    assert session.admit(key(60 * SECOND)) == (60 * SECOND, None)
    assert session.id == before


def test_jitter_within_the_tolerance_continues_and_time_stands_still(session):
    before = session.id
    assert session.admit(key(5 * SECOND - TOLERANCE)) == (5 * SECOND, None)
    assert session.admit(key(5 * SECOND + 1)) == (5 * SECOND + 1, None)
    assert session.id == before


def test_jump_back_beyond_the_tolerance_starts_a_session(session):
    before = session.id
    stamp_ns, reason = session.admit(key(5 * SECOND - TOLERANCE - 1))
    assert stamp_ns == 5 * SECOND - TOLERANCE - 1
    assert reason == 'the image stamps went back by 0.100 s'
    assert session.id != before


def test_steps_back_add_up(session):
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
def test_another_image_starts_a_session(session, changed, reason):
    before = session.id
    assert session.admit(changed) == (6 * SECOND, reason)
    assert session.id != before
    assert session.admit(changed) == (6 * SECOND, None)


def test_restart_accepts_any_time_next(session):
    before = session.id
    session.restart()
    assert session.id != before
    assert session.admit(key(0)) == (0, None)
