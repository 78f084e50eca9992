import QRCode from 'qrcode';

/** Modules of white around a code. Source: ISO/IEC 18004, "quiet zone". */
const MARGIN = 4;

/** A text as a QR code: the address of a picture (`data:`, SVG). Null where it is too long for one. */
export function qrCode(text: string): string | null {
  try {
    const { size, data } = QRCode.create(text, { errorCorrectionLevel: 'M' }).modules;
    const dark = [...data.keys()].filter((i) => data[i]);
    const path = dark.map((i) => `M${(i % size) + MARGIN} ${Math.floor(i / size) + MARGIN}h1v1h-1z`).join('');
    const side = size + 2 * MARGIN;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${side}v${side}H0z"/><path d="${path}"/></svg>`;
    return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
  } catch {
    return null;
  }
}
