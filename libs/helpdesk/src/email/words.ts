const ENGLISH = {
  internal: '*** Internal note of the gateway: for agents only, not for the customer ***',
  about: '*** About this conversation: for agents only, not for the customer ***',
  linked: 'Files that are too large for a mail:',
};
const CHINESE: typeof ENGLISH = {
  internal: '*** 网关内部备注：仅供客服查看，请勿转发给客户 ***',
  about: '*** 会话信息：仅供客服查看，请勿转发给客户 ***',
  linked: '过大而无法随邮件发送的文件：',
};

/** The words that stand in every mail of a kind, in the language of the settings. */
export function mailWords(language: 'en' | 'zh'): typeof ENGLISH {
  return language === 'zh' ? CHINESE : ENGLISH;
}

const FOR_AGENTS = [ENGLISH, CHINESE].flatMap(({ internal, about }) => [bare(internal), bare(about)]);
/** A program may have broken the line in so many. */
const BROKEN = 4;

/**
 * A text without what we wrote for agents alone, where that was quoted and not taken for history: it ends there, and what is quoted above of it goes too.
 */
export function withoutInternal(text: string): string {
  const lines = text.split('\n');
  const at = lines.findIndex((_, i) => FOR_AGENTS.some((words) => bare(lines.slice(i, i + BROKEN).join(' ')).startsWith(words)));
  if (at < 0) return text;
  const above = lines.slice(0, at).filter((line) => !line.startsWith('>'));
  return above.join('\n').trim();
} // prettier-ignore

function bare(line: string): string {
  return line.replace(/[\s>*]+/g, '').toLowerCase();
}
