"""The logs of a run."""

import json
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from jtn_ros.training.run_files import RunLog


def test_every_step_is_in_both_logs(tmp_path: Path) -> None:
    for steps in ((1, 2), (3,)):  # a resumed run appends
        log = RunLog(tmp_path)
        for step in steps:
            log.write({'step': step, 'steps': 9, 'total': 1 / step})
        log.close()
    lines = (tmp_path / 'log.jsonl').read_text().splitlines()
    assert [json.loads(line)['total'] for line in lines] == [1, 1 / 2, 1 / 3]
    board = EventAccumulator(str(tmp_path / 'tensorboard')).Reload()
    assert board.Tags()['scalars'] == ['total']
    values = {event.step: event.value for event in board.Scalars('total')}
    assert {step: round(value, 4) for step, value in values.items()} == {1: 1, 2: 0.5, 3: 0.3333}
