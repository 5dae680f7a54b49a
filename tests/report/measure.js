// Measures a page as a reader sees it; returns what is wrong, in words.
const visible = (el) => {
  for (let at = el; at && at.nodeType === 1; at = at.parentElement) {
    const style = getComputedStyle(at);
    if (style.display === "none" || style.visibility === "hidden") return false;
  }
  return true;
};
const texts = () => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const el = node.parentElement;
    if (!node.data.trim() || !el || !visible(el) || el.closest("style")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter((r) => r.width > 1 && r.height > 1);
    if (rects.length) found.push({ el, rects, text: node.data.trim().slice(0, 30) });
  }
  return found;
};
const parse = (colour) => {
  const parts = colour.match(/[\d.]+/g);
  if (!parts || colour === "none") return [0, 0, 0, 0];
  const [r, g, b, a = 1] = parts.map(Number);
  return [r, g, b, a];
};
const over = (top, below) => {
  const a = top[3];
  return [0, 1, 2].map((k) => top[k] * a + below[k] * (1 - a)).concat(1);
};
const luminance = ([r, g, b]) => {
  const [R, G, B] = [r, g, b].map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * R + 0.7152 * G + 0.0722 * B;
};
const contrast = (a, b) => {
  const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (hi + 0.05) / (lo + 0.05);
};
const paint = (el) => {
  const style = getComputedStyle(el);
  if (el instanceof SVGElement && !(el instanceof SVGSVGElement)) {
    const [r, g, b, a] = parse(style.fill);
    const shade = Number(style.fillOpacity) * Number(style.opacity);
    return [r, g, b, a * shade];
  }
  return parse(style.backgroundColor);
};
const behind = (entry) => {
  const box = entry.rects[0];
  const stack = document
    .elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2)
    .filter((el) => !(el instanceof SVGTextElement));
  let ground = [255, 255, 255, 1];
  for (const el of stack.reverse()) ground = over(paint(el), ground);
  return ground;
};
const weak = () =>
  texts()
    .map((entry) => {
      const svg = entry.el instanceof SVGElement;
      const style = getComputedStyle(entry.el);
      const ground = behind(entry);
      const ink = over(parse(svg ? style.fill : style.color), ground);
      return { ratio: contrast(ink, ground), text: entry.text };
    })
    .filter((one) => one.ratio < 4.5)
    .map((one) => `${one.ratio.toFixed(2)}: ${one.text}`);
const overlapping = () => {
  const boxes = texts().flatMap((entry, id) =>
    entry.rects.map((r) => {
      // A line's box is taller than its letters.
      const trim = r.height * 0.22;
      return { id, text: entry.text, l: r.left + 1, r: r.right - 1, t: r.top + trim, b: r.bottom - trim };
    })
  );
  boxes.sort((a, b) => a.t - b.t);
  const found = [];
  for (let i = 0; i < boxes.length; i++) {
    for (let j = i + 1; j < boxes.length && boxes[j].t < boxes[i].b; j++) {
      const [a, b] = [boxes[i], boxes[j]];
      if (a.id !== b.id && a.l < b.r && b.l < a.r) found.push(`${a.text} / ${b.text}`);
    }
  }
  return found;
};
const cut = () => {
  const wide = document.documentElement.clientWidth;
  return texts()
    .filter((entry) => !entry.el.closest(".scroll"))
    .filter((entry) => entry.rects.some((r) => r.right > wide + 1 || r.left < -1))
    .map((entry) => entry.text);
};
return {
  count: texts().length,
  scroll: document.scrollingElement.scrollWidth - document.documentElement.clientWidth,
  resources: performance.getEntriesByType("resource").map((one) => one.name),
  weak: weak(),
  overlapping: overlapping(),
  cut: cut(),
};
