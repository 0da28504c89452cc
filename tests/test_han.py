"""Chinese in the pages is marked as Chinese, and nothing else is touched."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book" / "extensions"))
import han  # noqa: E402


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>I like 看电影 a lot</p>", '<p>I like <span lang="zh">看电影</span> a lot</p>'),
        ("<p>你好，世界。(hello)</p>", '<p><span lang="zh">你好，世界</span>。(hello)</p>'),
        ("<b>三</b>体", '<b><span lang="zh">三</span></b><span lang="zh">体</span>'),
        ('<img alt="电影"><p title="电影">film</p>', None),
        ("<script>const a = '电影';</script><title>电影</title><svg><text>电影</text></svg>", None),
        ('<span class="math notranslate">\\(\\text{电影}\\)</span>', None),
        ('<div class="math"><i>a</i>电影</div>', None),
        ("<!-- 电影 --><p>ＡＢ，：4.5</p>", None),
        ("<option>电影</option><br>电影", '<option>电影</option><br><span lang="zh">电影</span>'),
    ],
)
def test_chinese_is_marked(page, expected):
    marked = han.mark(page)
    assert marked == (expected or page)
    assert han.mark(marked) == marked, "a second build would mark it twice"
