export type Rgb = readonly [red: number, green: number, blue: number];

const WHITE: Rgb = [255, 255, 255];
const INK: Rgb = [0, 0, 0];

/** `#rgb`, `#rrggbb` or `rgb(r, g, b)`; null for anything else. */
export function parseColour(text: string): Rgb | null {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1];
  if (hex) {
    const full = hex.length === 3 ? hex.replace(/./g, '$&$&') : hex;
    return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16)) as unknown as Rgb;
  }
  const parts = /^rgba?\(\s*(\d+)[,\s]+(\d+)[,\s]+(\d+)/.exec(text.trim());
  return parts ? [Number(parts[1]), Number(parts[2]), Number(parts[3])] : null;
}

/** Contrast ratio by WCAG 2, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** `share` of the way from `a` to `b`. */
export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return a.map((value, at) => Math.round(value + (b[at]! - value) * share)) as unknown as Rgb;
}

/** What is readable on `colour`: white where it reaches 4.5:1, else black, which then does. */
export function readableOn(colour: Rgb): Rgb {
  return contrast(colour, WHITE) >= 4.5 ? WHITE : INK;
}

/** `colour` moved towards the opposite of `ground` until it can be read on it (4.5:1). */
export function legible(colour: Rgb, ground: Rgb): Rgb {
  const goal = luminance(ground) > 0.4 ? INK : WHITE;
  for (let share = 0; share < 1; share += 0.05) {
    const tried = mix(colour, goal, share);
    if (contrast(tried, ground) >= 4.6) return tried;
  }
  return goal;
}

export function css([r, g, b]: Rgb): string {
  return `rgb(${r} ${g} ${b})`;
}
