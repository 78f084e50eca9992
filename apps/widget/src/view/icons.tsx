import type { VNode } from 'preact';

const icon =
  (path: string, filled = false) =>
  (): VNode => (
    <svg viewBox="0 0 24 24" aria-hidden="true" class={filled ? 'filled' : undefined}>
      <path d={path} />
    </svg>
  );

export const ChatIcon = icon(
  'M12 3.2c-5.2 0-9.3 3.7-9.3 8.3 0 2.6 1.3 4.9 3.4 6.4-.1 1-.5 2-1.2 2.8-.3.3 0 .8.4.7 1.8-.2 3.4-.8 4.6-1.8.7.1 1.4.2 2.1.2 5.2 0 9.3-3.7 9.3-8.3S17.2 3.2 12 3.2Z',
  true,
);
export const DownIcon = icon('m6 9.5 6 6 6-6');
export const CloseIcon = icon('M6.5 6.5l11 11m0-11-11 11');
export const SendIcon = icon('M12 19V5.5m0 0L6 11.5m6-6 6 6');
export const ClipIcon = icon(
  'm20 11.4-8.3 8.2a5.3 5.3 0 0 1-7.5-7.5l8.4-8.3a3.5 3.5 0 0 1 5 5l-8.3 8.2a1.8 1.8 0 0 1-2.5-2.5l7.6-7.5',
);
export const FileIcon = icon('M13.5 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5L13.5 3Zm0 0v5.5H19');
export const DownloadIcon = icon('M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 19.5h14');
export const PinIcon = icon(
  'M12 21s7-6.3 7-11.5a7 7 0 0 0-14 0C5 14.7 12 21 12 21Zm0-9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
);
export const PersonIcon = icon('M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8.5c.6-3.7 3.6-6 7.5-6s6.9 2.3 7.5 6');
export const ClockIcon = icon('M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-13.5V12l3 2');
export const AlertIcon = icon('M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-13.5v5m0 3.5v.01');
export const CheckIcon = icon('m5.5 12.5 4.3 4.3L18.5 8');
export const ChecksIcon = icon('m2.5 12.5 4.3 4.3L15.5 8m-3.7 8.8L20.5 8');
