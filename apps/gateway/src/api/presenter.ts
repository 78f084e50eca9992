import {
  FileUrls,
  onlyVisible,
  presentEvent,
  presentMessage,
  type EventRow,
  type VisibleAccounts,
} from '#conversations';
import type { Message, StreamEvent } from '#normalizer';
import { Inject, Injectable } from '@nestjs/common';

/** Messages and events as callers get them: file addresses signed now, nothing of accounts that a limited key may not see. */
@Injectable()
export class Presenter {
  private readonly signUrl: (fileId: string) => string;

  constructor(@Inject(FileUrls) urls: FileUrls) {
    this.signUrl = (fileId) => urls.sign(fileId);
  }

  message(message: Message): Message {
    return presentMessage(message, { signUrl: this.signUrl });
  }

  event(row: EventRow, accounts: VisibleAccounts): StreamEvent {
    const event = presentEvent(row, { signUrl: this.signUrl });
    const conversation = event.data?.conversation;
    if (!accounts || !event.data || !conversation) return event;
    return { ...event, data: { ...event.data, conversation: onlyVisible(conversation, accounts) } };
  }
}
