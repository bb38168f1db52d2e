"""`jtn evaluate` on annotated images: exact scores by source, the report, and wrong usage."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.evaluation.report.charts import Line
from jtn_ros.evaluation.report.charts import line_chart

from nodes.block_model import BLOCK
from nodes.block_model import HEIGHT
from nodes.block_model import WIDTH
from nodes.block_model import write_block_model

# Corners of white blocks, which the model finds half a pixel to the left and above, and of objects
# in the labels. The overlap of 0.88 is enough for eight of ten; blocks further down score a little
# less.
IMAGES = {
    'two.png': ('office <1>', [(8, 8), (120, 40)], [(8, 8), (120, 40)]),
    'none.png': ('office <1>', [(140, 68)], []),
    'half.png': ('factory', [(60, 16)], [(60, 16), (10, 60)]),
    'empty.png': ('factory', [], []),
}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Write a model, images and labels, and return the path of the labels."""
    write_block_model(tmp_path / 'blocks.onnx')
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, (name, (source, blocks, people)) in enumerate(IMAGES.items(), 1):
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for x, y in blocks:
            pixels[y : y + BLOCK[1], x : x + BLOCK[0]] = 255
        cv2.imwrite(str(tmp_path / name), pixels)
        images.append({'id': number, 'file_name': name, 'source': source})
        for corner in people:
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': number,
                    'category_id': 7,
                    'bbox': [*corner, *BLOCK],
                    'iscrowd': 0,
                }
            )
    path = tmp_path / 'val.json'
    path.write_text(
        json.dumps(
            {
                'images': images,
                'annotations': annotations,
                'categories': [{'id': 7, 'name': 'block'}],
            }
        )
    )
    return path


def evaluate(labels: Path, *more: str | Path) -> int:
    arguments = ['--ground-truth', labels, '--model', labels.parent / 'blocks.onnx', *more]
    return main(['evaluate', *map(str, arguments)])


def test_scores_by_source(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(labels, '--json', tmp_path / 'scores.json') == 0
    values = json.loads((tmp_path / 'scores.json').read_text())
    office, factory = values['sources']['office <1>'], values['sources']['factory']
    assert (office['images'], office['objects'], factory['objects']) == (2, 2, 2)
    assert office['ap50'] == pytest.approx(100)
    assert office['precision'] == pytest.approx(200 / 3)
    assert office['recall'] == 100
    assert office['ap'] == pytest.approx(80)
    assert factory['ap50'] == pytest.approx(100 * 51 / 101)
    assert factory['ap'] == factory['ap_small'] == pytest.approx(80 * 51 / 101)
    assert (factory['precision'], factory['recall']) == (100, 50)
    assert factory['ap_large'] is None
    assert values['mean']['ap50'] == pytest.approx((100 + 100 * 51 / 101) / 2)
    assert values['combined']['ap50'] == pytest.approx(100 * 76 / 101)
    assert values['model'] == 'blocks'
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ['source', 'AP', 'AP50']
    assert [row.split()[0] for row in rows[:4]] == ['office', 'factory', 'mean', 'all']
    assert rows[1].split()[2:6] == ['50.50', '40.40', '-', '-']
    assert rows[3].split()[-2:] == ['4', '4']


@pytest.mark.parametrize(
    ('more', 'threshold', 'recall'),
    [((), 0.4, 75), (('--threshold', '0.9'), 0.9, 0), (('--params-file', 'node.yaml'), 0.95, 0)],
)
def test_the_threshold_is_the_models_or_given(
    labels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    threshold: float,
    recall: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'node.yaml').write_text('jtn_tracker: {ros__parameters: {birth_score: 0.95}}')
    assert evaluate(labels, '--json', 'scores.json', *more) == 0
    values = json.loads((tmp_path / 'scores.json').read_text())
    assert (values['threshold'], values['combined']['recall']) == (threshold, recall)
    assert values['combined']['ap50'] == pytest.approx(100 * 76 / 101), 'of all scores'


def test_the_report_shows_scores_and_curves(labels: Path, tmp_path: Path) -> None:
    path = tmp_path / 'report.html'
    assert evaluate(labels, '--report', path) == 0
    text = path.read_text()
    assert 'office &lt;1&gt;' in text
    assert 'office <1>' not in text
    assert not re.search(r'https?://|<script|@import|url\(', text)
    (cells,) = re.findall(r'<tr><td>factory</td>(.*?)</tr>', text)
    assert re.findall('<td>(.*?)</td>', cells)[:4] == ['40.4', '50.5', '40.4', '-']
    assert '<b>75.2</b>' in text, 'the mean AP50 is a tile'
    assert len(re.findall('<polyline', text)) == 3 + 3  # two sources and all; P, R and F1
    # Of the second source half is found: its curve ends in the middle, at the top.
    curve = re.findall('<polyline class="l3" points="([^"]+)"', text)[0].split()
    assert curve[0] == '40.0,44.0'
    assert curve[-1] == '255.0,44.0'
    data = json.loads(path.with_suffix('.json').read_text())
    assert data['scores']['mean']['ap50'] == pytest.approx((100 + 100 * 51 / 101) / 2)
    assert data['parameters']['threshold'] == 0.4


def test_a_long_legend_takes_more_rows() -> None:
    names = [f'source {number} of many' for number in range(7)]
    lines = [Line(label=name, x=[0, 1], y=[0, 100], color=1) for name in names]
    chart = line_chart(lines, 'x', 'y', top=100)
    places = re.findall(r'<text x="(\d+)" y="(\d+)">source (\d) of many', chart)
    assert [int(number) for _, _, number in places] == list(range(7))
    assert all(int(x) + 7 * len(names[0]) <= 480 for x, _, _ in places)
    assert len({(x, y) for x, y, _ in places}) == 7
    bottom = int(re.findall(r'viewBox="0 0 480 (\d+)"', chart)[0]) - 36
    top = max(int(y) for _, y, _ in places)
    for points in re.findall(r'points="([^"]+)"', chart):
        (_, low), (_, high) = [map(float, point.split(',')) for point in points.split()]
        assert (low, top < high < low) == (bottom, True)


@pytest.mark.parametrize(
    ('more', 'expected'),
    [
        (['--tracks', 'results'], '--tracks cannot be combined with the images of'),
        (['--bag', 'drive.mcap'], '--bag cannot be combined with'),
        (['--against', 'results'], '--against cannot be combined with'),
        (['--trackers'], 'remove it, or specify sequences or a bag as --ground-truth'),
        (['--tracker', 'reference'], '--tracker reference cannot be combined with'),
        (['--threshold', '1.5'], '--threshold 1.5 is not between 0 and 1'),
        (['--report', 'report.pdf'], 'report.pdf: a report is an .html file'),
    ],
)
def test_wrong_usage_is_exit_code_2(
    labels: Path, capsys: pytest.CaptureFixture[str], more: list[str], expected: str
) -> None:
    assert evaluate(labels, *more) == 2
    assert expected in capsys.readouterr().err


def test_a_threshold_needs_annotated_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ['--ground-truth', tmp_path, '--tracks', tmp_path, '--threshold', '0.5']
    assert main(['evaluate', *map(str, arguments)]) == 2
    assert '--threshold is for annotated images; specify a COCO .json' in capsys.readouterr().err


def test_unreadable_files_are_reported(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (labels.parent / 'half.png').write_bytes(b'no image')
    assert evaluate(labels) == 1
    assert 'half.png cannot be read as an image' in capsys.readouterr().err
    labels.write_text(labels.read_text().replace('"block"', '"dog"'))
    assert evaluate(labels) == 1
    assert "no category 'block'; it has: dog" in capsys.readouterr().err
    assert evaluate(labels.with_name('missing.json')) == 1
    assert 'missing.json does not exist' in capsys.readouterr().err
