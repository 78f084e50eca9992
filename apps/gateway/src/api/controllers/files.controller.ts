import { Files } from '#conversations';
import { Controller, Inject } from '@nestjs/common';
import { receiveUpload } from '../../files/uploads.js';
import { Called, endpoint, Finish, type Call } from '../core/endpoint.js';
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

@Controller()
export class FilesController {
  constructor(@Inject(Files) private readonly files: Files) {}

  @Serves(upload)
  async upload(@Called() { request }: Call<typeof upload>) {
    const file = await receiveUpload(this.files, request, {});
    const commit: Finish['commit'] = async (sql) => {
      await this.files.record(sql, file);
      return this.files.present(file);
    };
    return new Finish(commit, [file.sha256, file.name], () => this.files.discard(file));
  }
}
