import { MediaKind } from '#normalizer';
import { z } from 'zod';

export const FileRecord = z
  .object({
    id: z.string().describe('What an outbound media part names as `fileId`.'),
    url: z.string().describe('Signed; expires after a day.'),
    mimeType: z.string().describe('What the bytes are, not what the sender said.'),
    bytes: z.int(),
    name: z.string(),
    kind: MediaKind,
    width: z.int().optional(),
    height: z.int().optional(),
  })
  .meta({ id: 'File' });
