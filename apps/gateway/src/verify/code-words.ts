import { CODE } from '#identity';

/** What is sent. Nothing in it is of whoever asked: it names the company, if the settings do, and the digits. */
export interface CodeWords {
  readonly subject: string;
  readonly text: string;
}

const MINUTES = CODE.lifeS / 60;

/** The message of a code, in Chinese for a `zh` locale, else in English; short enough for one SMS. */
export function codeWords(
  code: string,
  { locale = '', name }: { locale?: string; name?: string | undefined },
): CodeWords {
  if (/^zh\b/i.test(locale)) {
    const from = name === undefined ? '' : `【${name}】`;
    return {
      subject: `${from}您的验证码`,
      text: `${from}您的验证码是 ${code}，${MINUTES} 分钟内有效。若非本人操作，请忽略。`,
    };
  }
  const subject = name === undefined ? 'Your code' : `${name}: your code`;
  return {
    subject,
    text: `${subject} is ${code}. It is valid for ${MINUTES} minutes. If you did not ask for it, ignore this message.`,
  };
}
