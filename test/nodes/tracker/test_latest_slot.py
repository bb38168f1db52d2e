from threading import Thread
from time import sleep

from jtn_ros.nodes.tracker.latest_slot import LatestSlot


def test_newer_item_replaces_the_waiting_one_and_is_counted() -> None:
    slot = LatestSlot[str]()
    for item in ('a', 'b', 'c'):
        slot.put(item)
    assert slot.take() == 'c'
    assert slot.dropped == 2


def test_taken_items_are_not_counted_as_dropped() -> None:
    slot = LatestSlot[int]()
    for item in range(3):
        slot.put(item)
        assert slot.take() == item
    assert slot.dropped == 0


def test_closing_leaves_the_last_item_then_ends() -> None:
    slot = LatestSlot[int]()
    slot.put(1)
    slot.close()
    slot.put(2)
    assert [slot.take(), slot.take(), slot.take()] == [1, None, None]
    assert slot.dropped == 0


def test_waking_ends_one_waiting_once_what_waits_is_taken() -> None:
    slot = LatestSlot[int]()
    slot.put(1)
    slot.wake()
    assert [slot.take(), slot.take(), slot.take(0.01)] == [1, None, None]
    slot.put(2)
    slot.close()
    assert not slot.ended
    assert slot.take() == 2
    assert slot.ended


def test_closing_wakes_a_waiting_consumer() -> None:
    slot = LatestSlot[int]()
    taken: list[int | None] = []
    consumer = Thread(target=lambda: taken.append(slot.take()))
    consumer.start()
    sleep(0.05)
    slot.close()
    consumer.join(timeout=5)
    assert not consumer.is_alive()
    assert taken == [None]


def test_every_item_is_taken_or_dropped_under_load() -> None:
    slot = LatestSlot[int]()
    taken: list[int] = []

    def consume() -> None:
        while (item := slot.take()) is not None:
            taken.append(item)

    consumer = Thread(target=consume)
    consumer.start()
    for item in range(20000):
        slot.put(item)
    slot.close()
    consumer.join(timeout=10)
    assert taken == sorted(set(taken))
    assert taken[-1] == 19999
    assert len(taken) + slot.dropped == 20000
