import { Files } from '#conversations';
import { Controller, Inject } from '@nestjs/common';
import type { MultipartFile } from '@fastify/multipart';
import { Called, endpoint, Finish, type Call } from '../core/endpoint.js';
import { Refusal } from '../core/problem.js';
import { Serves } from '../core/serves.js';
import { FileRecord } from '../schemas/file.js';

const upload = endpoint({
  method: 'POST',
  path: '/v1/files',
  scope: 'files:write',
  tag: 'Files',
  summary: 'Upload a file',
  description:
    'As `multipart/form-data` with the field `file`. An upload that no message takes up within a day is removed.',
  upload: true,
  status: 201,
  answer: FileRecord,
  work: 'outside',
});

interface MultipartRequest {
  isMultipart?(): boolean;
  file?(options: {
    limits: { fileSize: number; files: number; fields: number; fieldSize: number };
  }): Promise<MultipartFile | undefined>;
}

@Controller()
export class FilesController {
  constructor(@Inject(Files) private readonly files: Files) {}

  @Serves(upload)
  async upload(@Called() { request }: Call<typeof upload>) {
    const part = await this.filePart(request as MultipartRequest);
    const file = await this.files.receive(part.file, { name: part.filename, declaredType: part.mimetype });
    const commit: Finish['commit'] = async (sql) => {
      await this.files.record(sql, file);
      return this.files.present(file);
    };
    return new Finish(commit, [file.sha256, file.name]);
  }

  private async filePart(request: MultipartRequest): Promise<MultipartFile> {
    if (!request.isMultipart?.() || !request.file) {
      throw new Refusal('unsupported-media-type', 'send the file as multipart/form-data in the field "file"');
    }
    const limits = { fileSize: this.files.maxBytes + 1, files: 1, fields: 10, fieldSize: 10_000 };
    const part = await request.file({ limits });
    if (part?.fieldname !== 'file') throw new Refusal('malformed', 'there is no field "file" in the upload');
    return part;
  }
}
