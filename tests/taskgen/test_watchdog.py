import contextlib
import signal
import threading
import time

import pytest

from taskgen.watchdog import TookTooLong, answers, time_limit


def loop_for_ever():
    while True:
        pass


def test_a_block_that_takes_too_long_is_interrupted():
    start = time.perf_counter()
    with pytest.raises(TookTooLong, match=r"within 0.05 s"), time_limit(0.05):
        loop_for_ever()
    assert time.perf_counter() - start < 2.0


def test_a_block_in_time_leaves_neither_timer_nor_handler():
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(5.0):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0
    assert signal.getsignal(signal.SIGALRM) is before


def test_elsewhere_than_in_the_main_thread_there_is_no_limit():
    done = []

    def work():
        with time_limit(0.01):
            time.sleep(0.05)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_code_that_catches_every_exception_is_interrupted_all_the_same():
    def stubborn():
        while True:
            try:
                loop_for_ever()
            except Exception:
                continue

    start = time.perf_counter()
    with pytest.raises(TookTooLong, match=r"within 0.05 s"), time_limit(0.05):
        stubborn()
    assert time.perf_counter() - start < 5.0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_inner_limit_leaves_the_outer_one_running():
    def stumble_and_go_on():
        with pytest.raises(TookTooLong, match=r"within 0.05 s"), time_limit(0.05):
            loop_for_ever()
        assert 0.0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.25
        loop_for_ever()

    with pytest.raises(TookTooLong, match=r"within 0.3 s"), time_limit(0.3):
        stumble_and_go_on()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0


def test_what_raises_costs_its_answer_and_what_hangs_the_rest():
    asked = []

    def call(item):
        asked.append(item)
        if item == 3:
            loop_for_ever()
        return 6 // item

    assert answers(call, [1, 0, 2, 3, 6], each_s=0.05) == [6, None, 3, None, None]
    assert asked == [1, 0, 2, 3]


def test_all_answers_together_have_a_limit_too():
    def call(item):
        time.sleep(0.1)
        return item

    found = answers(call, list(range(100)), each_s=5.0, all_s=0.35)
    num = sum(answer is not None for answer in found)
    assert 1 <= num <= 3
    assert found == [*range(num), *[None] * (100 - num)]


def test_the_first_answer_may_take_longer():
    def slow(item):
        time.sleep(1.0 if item == 0 else 0.0)
        return item

    assert answers(slow, [0, 1], each_s=0.5) == [None, None]
    assert answers(slow, [0, 1], each_s=0.5, first_s=30.0) == [0, 1]
    assert answers(slow, [1, 0, 1], each_s=0.5, first_s=30.0) == [1, None, None]


def test_an_alarm_at_a_bad_moment_leaves_nothing_behind():
    handler = signal.getsignal(signal.SIGALRM)
    in_time = 0
    for number in range(4000):
        with contextlib.suppress(TookTooLong):
            with time_limit(1e-6 * (1 + number % 100)):
                for _ in range(number % 40):  # some end before the limit, some after, some at it
                    time.monotonic()
            in_time += 1
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        assert signal.getsignal(signal.SIGALRM) is handler
    assert 0 < in_time < 4000


def test_a_limit_that_is_over_before_the_block_is_entered_still_ends_it():
    with pytest.raises(TookTooLong), time_limit(1e-6):
        time.sleep(5.0)
