import type { VNode } from 'preact';

const icon = (path: string) => (): VNode => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path d={path} />
  </svg>
);

/** Three streams that become one. */
export function Mark(): VNode {
  return (
    <svg viewBox="0 0 32 32" class="brand" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M7 8c5 0 5 8 10 8h8M7 16h18M7 24c5 0 5-8 10-8" />
    </svg>
  );
}

export const MessageIcon = icon('M4 5.5h16v11H10l-4.5 3.5v-3.5H4z');
export const StoreIcon = icon(
  'M4.5 6c0-1.7 3.4-3 7.5-3s7.5 1.3 7.5 3v12c0 1.7-3.4 3-7.5 3s-7.5-1.3-7.5-3zm0 0c0 1.7 3.4 3 7.5 3s7.5-1.3 7.5-3m-15 6c0 1.7 3.4 3 7.5 3s7.5-1.3 7.5-3',
);
export const HookIcon = icon('M12 3 5 6v5c0 4.5 2.8 8 7 10 4.2-2 7-5.5 7-10V6zm-3.2 8.8 2.3 2.3 4.2-4.4');
export const CodeIcon = icon('m8.5 7.5-5 4.5 5 4.5m7-9 5 4.5-5 4.5');
export const ReplyIcon = icon('m2.5 12.5 4.3 4.3L15.5 8m-3.7 8.8L20.5 8');
export const ReloadIcon = icon('M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9m0-5v5h-5');
export const PlusIcon = icon('M12 5.5v13M5.5 12h13');
export const LockIcon = icon('M7 10.5V8a5 5 0 0 1 10 0v2.5m-11.5 0h13v9h-13z');
export const ImageIcon = icon('M4 5h16v14H4zm0 11 4.5-4.5 4 4 2.5-2.5 5 5M15 9.5h.01');
export const ChoicesIcon = icon('M5 7h.01M9.5 7H19M5 12h.01M9.5 12H19M5 17h.01M9.5 17H19');
export const SendIcon = icon('M12 19V5.5m0 0L6 11.5m6-6 6 6');
export const CheckIcon = icon('m5.5 12.5 4.3 4.3L18.5 8');
export const ChecksIcon = ReplyIcon;
export const ClockIcon = icon('M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-13.5V12l3 2');
export const WarnIcon = icon('M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-13.5v5m0 3.5v.01');
export const FileIcon = icon('M13.5 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5zm0 0v5.5H19');
export const PullIcon = icon('M12 4v10m0 0-4.5-4.5M12 14l4.5-4.5M5 19.5h14');
export const ShieldIcon = HookIcon;
export const ChevronIcon = icon('m9 6 6 6-6 6');
