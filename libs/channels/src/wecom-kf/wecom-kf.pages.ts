import { miniProgramLink, type MiniProgramPage } from '../wechat/custom-message.js';

/**
 * Pages of mini programs end with `.html` in WeCom and nowhere else: a path without it leads to no page there. Source: path/94677,
 * developer.work.weixin.qq.com.
 */
export function pagePath({ path }: MiniProgramPage): string {
  const [page = '', query] = path.split(/\?(.*)/s);
  const named = page.endsWith('.html') ? page : `${page}.html`;
  return query === undefined ? named : `${named}?${query}`;
}

/** WeChat's own link to a page that WeCom names. */
export function pageLink({ appId, path }: MiniProgramPage): string {
  return miniProgramLink({ appId, path: path.replace(/\.html(?=\?|$)/, '') });
}
