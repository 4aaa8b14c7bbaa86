"""What is measured inside the page: contrast, names of controls, sound, files that are dropped."""

from __future__ import annotations

from playwright.async_api import Locator, Page

_LOUDEST = """
async player => {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaElementSource(player).connect(analyser);
  analyser.connect(context.destination);
  await context.resume();
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  for (let i = 0; i < 40 && loudest < 0.01; i++) {
    await new Promise(done => setTimeout(done, 50));
    analyser.getFloatTimeDomainData(samples);
    for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
  }
  return loudest;
}
"""

# WCAG 2 contrast of each visible text against the colours behind it; large text may have 3 instead of 4.5.
_FAINT = """
() => {
  const rgba = text => text.match(/[\\d.]+/g).map(Number);
  const over = (top, under) => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map(i => top[i] * alpha + under[i] * (1 - alpha));
  };
  const behind = node => {
    if (!node) return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
    const own = rgba(getComputedStyle(node).backgroundColor);
    return own[3] === undefined ? own : over(own, behind(node.parentElement));
  };
  const light = colour => colour.slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = node => {
    const ground = behind(node), text = over(rgba(getComputedStyle(node).color), ground);
    const [a, b] = [light(ground), light(text)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const needed = style => {
    const size = parseFloat(style.fontSize);
    return size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const nodes = new Set(document.querySelectorAll("input, select, textarea"));
  while (texts.nextNode()) if (texts.currentNode.data.trim()) nodes.add(texts.currentNode.parentElement);
  const seen = [...nodes].filter(node => node.checkVisibility() && !node.closest(".unseen, .skips, option"));
  const faint = seen.filter(node => contrast(node) < needed(getComputedStyle(node)) - 0.005)
    .map(node => `${contrast(node).toFixed(2)} ${node.tagName} .${node.className} ${node.textContent.slice(0, 30)}`)
    .sort();
  return { seen: seen.length, faint };
}
"""

_NAMELESS = """
() => [...document.querySelectorAll("button, input, select, textarea, audio, a, dialog, [role=menu]")]
  .filter(one => one.checkVisibility() && !one.labels?.length && !one.textContent.trim() && !one.ariaLabel
    && !one.ariaLabelledByElements?.length)
  .map(one => one.outerHTML.slice(0, 120))
"""

_TRANSFER = """
files => {
  const transfer = new DataTransfer();
  for (const [name, size] of files) {
    transfer.items.add(new File([new Uint8Array(size)], name, { lastModified: 1 }));
  }
  return transfer;
}
"""


async def loudest(player: Locator) -> float:
    """The largest sample that a playing track gives within two seconds."""
    return await player.evaluate(_LOUDEST)


async def faint_texts(page: Page) -> list[str]:
    """Every visible text whose contrast is under WCAG AA."""
    found = await page.evaluate(_FAINT)
    assert found["seen"] > 20, "the check must have seen the page"
    return found["faint"]


async def nameless_controls(page: Page) -> list[str]:
    return await page.evaluate(_NAMELESS)


async def fits(page: Page) -> bool:
    """Nothing asks for a horizontal scroll."""
    return await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def drop(page: Page, target: Locator, *files: tuple[str, int]) -> None:
    """Drop files, given as (name, bytes), where `target` is."""
    transfer = await page.evaluate_handle(_TRANSFER, [list(file) for file in files])
    await target.dispatch_event("dragover", {"dataTransfer": transfer})
    await target.dispatch_event("drop", {"dataTransfer": transfer})


async def tab_to(page: Page, target: Locator, *, backwards: bool = False, limit: int = 40) -> None:
    """Press Tab until the focus is there, as somebody without a mouse does."""
    for _ in range(limit):
        if await target.evaluate("node => node === document.activeElement"):
            return
        await page.keyboard.press("Shift+Tab" if backwards else "Tab")
    raise AssertionError(f"{limit} times Tab did not lead to {target}")
