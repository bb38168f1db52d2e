"""Reports: correct values in the data, a self-contained page, and display in a real browser."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.report.charts import Line
from jtn_ros.evaluation.report.charts import line_chart
from jtn_ros.evaluation.report.data import Evaluation
from jtn_ros.evaluation.report.report import page
from jtn_ros.evaluation.report.report import write_report
from jtn_ros.evaluation.runs import Run
from jtn_ros.evaluation.runs import Truth
from jtn_ros.evaluation.runs import compared
from jtn_ros.media import Frame
from jtn_ros.media import FrameSource

from tables import annotations_of

FRAMES = 60
PERIOD = 50_000_000
NAME = 'Walk <b>&"1"'
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')


class GrayFrames(FrameSource):
    """Gray images of 320x240."""

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for index in range(start, min(stop or FRAMES, FRAMES)):
            yield Frame(index, index * PERIOD, np.full((240, 320, 3), 90, np.uint8))


def boxes(*lefts: float) -> NDArray[np.float32]:
    return np.array([[x, 100, x + 30, 180] for x in lefts], np.float32).reshape(-1, 4)


def make_evaluation(switch_at: int = 30) -> Evaluation:
    """Two people: 1 changes from track 5 to 6, 2 is missed in 48-57, 9 is a false track in 55."""
    truth, tracks = {}, {}
    for frame in range(1, FRAMES + 1):
        truth[frame] = annotations_of(boxes(frame, 200))
        ids, lefts = [5 if frame < switch_at else 6], [float(frame)]
        if not 48 <= frame < 58:
            ids, lefts = [*ids, 7], [*lefts, 200]
        if frame == 55:
            ids, lefts = [*ids, 9], [*lefts, 280]
        tracks[frame] = TrackedBoxes(np.array(ids), boxes(*lefts), np.ones(len(ids), np.float32))
    stamps = np.arange(FRAMES) * PERIOD
    truths = {NAME: Truth(name=NAME, annotations=truth, stamps_ns=stamps, frames=FRAMES)}
    latencies = np.column_stack([stamps, 20_000_000 + 1_000_000 * (np.arange(FRAMES) % 3)])
    runs = {
        NAME: Run(tracks=tracks, model='light', latencies=latencies, frames_without=np.array([60]))
    }
    report = evaluate({NAME: compared(truths[NAME], runs[NAME])})
    return Evaluation(truths=truths, runs=runs, report=report)


@pytest.fixture(scope='module')
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    path, data = write_report(
        tmp_path_factory.mktemp('report') / 'walk.html',
        make_evaluation(),
        title=f'Test of {NAME}',
        sources={NAME: GrayFrames()},
        against=make_evaluation(switch_at=200),
        against_title='last <week>',
        parameters={'birth_score': 0.4},
    )
    return path, json.loads(data.read_text())


def test_the_data_contain_identity_timelines(report: tuple[Path, dict[str, Any]]) -> None:
    _, values = report
    first, second = values['sequences'][NAME]['identities']['person']
    assert first == {'object': 1, 'spans': [[1, 29, 5], [30, 60, 6]], 'switches': [30]}
    assert second == {'object': 2, 'spans': [[1, 47, 7], [48, 57, 0], [58, 60, 7]], 'switches': []}
    assert values['sequences'][NAME]['frames_without_tracks'] == [60]
    timing = values['sequences'][NAME]['timing']
    assert timing['latency_ms'][:4] == [20, 21, 22, 20]
    assert timing['rate'] == [20, 20]
    assert values['parameters'] == {'birth_score': 0.4}
    assert values['scores']['combined']['id_switches'] == 1
    assert values['against']['combined']['id_switches'] == 0


def test_the_worst_moments_come_first_and_apart(report: tuple[Path, dict[str, Any]]) -> None:
    _, values = report
    moments = [(m['frame'], m['missed'], m['false'], m['switches']) for m in values['moments']]
    assert moments == [(30, 0, 0, 1), (55, 1, 1, 0)]  # 48-57 are less than a second from 55


class Page(HTMLParser):
    """Collects what a page loads and shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.loads += [value or '' for key, value in attrs if key in ('src', 'href', 'data')]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def pictures(self) -> list[str]:
        return [load for load in self.loads if not load.startswith('#')]


def test_the_page_needs_nothing_else(report: tuple[Path, dict[str, Any]]) -> None:
    path, values = report
    text = path.read_text()
    found = Page(text)
    assert len(found.pictures) == len(values['moments']) > 0
    assert all(load.startswith('data:image/jpeg;base64,') for load in found.pictures)
    assert not re.search(r'https?://|@import|url\(', text)
    assert 'script' not in {tag for tag, _ in found.tags}
    assert path.stat().st_size < 300_000


def test_pictures_open_in_full_width_and_close_again(report: tuple[Path, dict[str, Any]]) -> None:
    path, values = report
    found = Page(path.read_text())
    places = {attrs['id'] for _, attrs in found.tags if 'id' in attrs}
    links = [load[1:] for load in found.loads if load.startswith('#')]
    number = len(values['moments'])
    assert links == [name for i in range(number) for name in (f'moment{i}', 'moments')]
    assert set(links) == places
    assert re.search(r'figure:target {\s+position: fixed;', path.read_text())


def test_the_page_shows_scores_changes_and_names(report: tuple[Path, dict[str, Any]]) -> None:
    path, values = report
    found = Page(path.read_text())
    words = ' '.join(found.words)
    assert f'Test of {NAME}' in words
    assert 'compared with last <week>' in words
    combined, other = values['scores']['combined'], values['against']['combined']
    assert f'{combined["hota"]:.1f}' in found.words
    assert f'{combined["idf1"] - other["idf1"]:+.1f}' in found.words
    assert f'{NAME}, frame 55: 1 miss, 1 false positive' in words
    assert 'object 1, frames 30-60: track 6' in found.words
    assert 'object 1 changes its track in frame 30' in found.words
    assert 'birth_score' in found.words
    switches = [attrs for tag, attrs in found.tags if attrs.get('class') == 'down']
    assert len(switches) >= 2  # worse in the tile and in the table


def test_a_line_goes_where_its_values_are() -> None:
    chart = line_chart([Line(label='a', x=[0, 1, 2], y=[0, 50, 100], color=1)], 'x', 'y', top=100)
    (points,) = re.findall(r'points="([^"]+)"', chart)
    (x0, y0), (x1, y1), (x2, y2) = [map(float, p.split(',')) for p in points.split()]
    assert (x0, x2) == (40, 470)
    assert (y0, y2) == (244, 44)
    assert (x1, y1) == ((x0 + x2) / 2, (y0 + y2) / 2)


def test_peaks_of_long_lines_stay() -> None:
    y = np.ones(10_000)
    y[1234] = 99
    chart = line_chart([Line(label='a', x=list(range(10_000)), y=list(y), color=1)], 'x', 'y')
    (points,) = re.findall(r'points="([^"]+)"', chart)
    heights = [float(p.split(',')[1]) for p in points.split()]
    assert len(heights) <= 400
    assert min(heights) < 0.4 * max(heights)


def test_a_report_without_images_times_or_errors(tmp_path: Path) -> None:
    evaluation = make_evaluation()
    truth = evaluation.truths[NAME]
    ones = np.ones(2, np.float32)
    perfect = {f: TrackedBoxes(o.ids, o.boxes, ones) for f, o in truth.annotations.items()}
    run = Run(tracks=perfect, model='x')
    report = evaluate({NAME: compared(truth, run)})
    path, _ = write_report(
        tmp_path / 'r.html',
        Evaluation(truths={NAME: truth}, runs={NAME: run}, report=report),
        title='r',
        sources={},
    )
    words = Page(path.read_text()).words
    assert 'No errors.' in words
    assert 'The tracks contain no latencies.' in words
    with pytest.raises(ValueError, match=r'r\.pdf: a report is an \.html file'):
        write_report(tmp_path / 'r.pdf', evaluation, title='r', sources={})


def chromium(path: Path, profile: Path, *options: str) -> str:
    """Open a page in a headless browser without a network and return what it printed."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--hide-scrollbars',
        '--disable-background-networking',
        '--host-resolver-rules=MAP * ~NOTFOUND',
        f'--user-data-dir={profile}',
        *options,
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason='chromium is not installed')
@pytest.mark.parametrize('width', [1400, 390])
def test_a_browser_shows_it_without_sideways_scrolling(
    report: tuple[Path, dict[str, Any]], tmp_path: Path, width: int
) -> None:
    path, values = report
    probe = (
        '<script>onload=()=>{parent.document.title=[document.documentElement.scrollWidth,'
        'innerWidth,[...document.images].filter(i=>i.complete&&i.naturalWidth>0).length,'
        '[...document.querySelectorAll("svg")].every(s=>s.getBoundingClientRect().height>30)]'
        '.join()}</script></body>'
    )
    inner = escape(path.read_text().replace('</body>', probe))
    frame = tmp_path / 'frame.html'  # no window is narrower than 500 pixels, but a frame is
    frame.write_text(
        f'<title></title><iframe srcdoc="{inner}" style="width:{width}px;border:0"></iframe>'
    )
    dom = chromium(frame, tmp_path / 'profile', '--window-size=1600,900', '--dump-dom')
    title = re.findall('<title>(.*?)</title>', dom)[0]
    scroll, visible, images, charts = title.split(',')
    assert int(scroll) <= int(visible) == width
    assert int(images) == len(values['moments'])
    assert charts == 'true'


@pytest.mark.skipif(CHROMIUM is None, reason='chromium is not installed')
def test_it_prints(report: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    chromium(report[0], tmp_path / 'profile', f'--print-to-pdf={tmp_path / "r.pdf"}')
    pdf = (tmp_path / 'r.pdf').read_bytes()
    assert pdf.startswith(b'%PDF')
    assert 1 <= len(re.findall(rb'/Type\s*/Page\b', pdf)) <= 4


def test_a_page_of_values_from_json_is_the_same(report: tuple[Path, dict[str, Any]]) -> None:
    path, values = report
    pictures = Page(path.read_text()).pictures
    assert page(f'Test of {NAME}', values, pictures, 'last <week>') == path.read_text()
