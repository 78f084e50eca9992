import { useState } from 'preact/hooks';
import type { PendingFile } from '../engine/store.js';
import { typeAllowed } from '../engine/upload.js';
import type { Limits } from '../engine/wire.js';
import type { Strings } from '../strings.js';
import { size } from './format.js';

const MOST_FILES = 10;

export interface Attachments {
  files: PendingFile[];
  /** What is wrong with the files chosen last, in words. */
  problem: string | null;
  add(files: File[]): void;
  remove(file: PendingFile): void;
  /** Empties the tray without releasing the previews, which the message shows from now on. */
  clear(): void;
}

/** The files that wait in the composer for being sent. */
export function useAttachments(t: Strings, limits: Limits | null): Attachments {
  const [files, setFiles] = useState<PendingFile[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  return {
    files,
    problem,
    add(chosen) {
      const problems = chosen.map((file) => fileProblem(file, limits, t));
      const good = chosen.filter((_, at) => problems[at] === null);
      const room = MOST_FILES - files.length;
      const first = problems.find((text) => text !== null) ?? null;
      setProblem(good.length > room ? t.tooMany(MOST_FILES) : first);
      setFiles([...files, ...good.slice(0, room).map((file) => ({ file, preview: previewOf(file) }))]);
    },
    remove(file) {
      if (file.preview) URL.revokeObjectURL(file.preview);
      setProblem(null);
      setFiles(files.filter((other) => other !== file));
    },
    clear() {
      setProblem(null);
      setFiles([]);
    },
  };
}

/** Why a file cannot be sent, in words; null if it can. Without known limits the gateway decides. */
export function fileProblem(
  file: { name: string; size: number; type: string },
  limits: Limits | null,
  t: Strings,
): string | null {
  if (file.size === 0) return t.emptyFile(file.name);
  if (!limits) return null;
  if (file.size > limits.fileBytes) return t.tooLarge(file.name, size(file.size), size(limits.fileBytes));
  return typeAllowed(file.type || 'application/octet-stream', limits.mimeTypes) ? null : t.typeRefused(file.name);
}

function previewOf(file: File): string | null {
  return /^image\/(png|jpe?g|gif|webp|avif|bmp)$/.test(file.type) ? URL.createObjectURL(file) : null;
}
