import { beforeAll, describe, expect, it } from '@jest/globals';
import { languageDetector, primaryLanguage, type LanguageOf } from './language.js';

/** What customers write first, by language. */
const LABELLED: Readonly<Record<string, readonly string[]>> = {
  zh: [
    '你好，我的订单还没有收到', '请问怎么开发票？', '我要退款', '系统登录不上去，一直报错 500', '谢谢！', '發票地址可以改嗎',
    '我的账号 VIP 到期了', 'APP打不开', '這個產品什麼時候到貨？', '在吗', '我的 iPhone App 一打开就闪退', '优の良品 的优惠券用不了',
  ],
  en: [
    'Hello, where is my order?', 'I can not log in to my account', 'How do I change my billing address?', 'The app crashes when I open it',
    'Thank you very much!', 'Please cancel my subscription', 'My package has not arrived yet', 'Can you help me with the invoice?',
    'It does not work', 'I want a refund', 'When will you be open tomorrow?', 'The export fails with error 500', 'Hello 王芳, where is my order?',
  ],
  ja: [
    'こんにちは、注文が届きません', 'ログインできません', '返金をお願いします', '領収書を発行してください', 'ありがとうございます',
    'いつ届きますか？', 'パスワードを忘れました', 'エラーが出ます', '配送先を変更したい',
  ],
  ko: [
    '안녕하세요, 주문이 아직 안 왔어요', '로그인이 안 됩니다', '환불 부탁드립니다', '감사합니다', '영수증을 받고 싶어요', '배송은 언제 되나요?',
    '앱이 자꾸 꺼져요', 'VIP 문의입니다',
  ],
  de: [
    'Hallo, wo ist meine Bestellung?', 'Ich kann mich nicht anmelden', 'Wie ändere ich meine Rechnungsadresse?', 'Die App stürzt beim Öffnen ab',
    'Vielen Dank!', 'Bitte kündigen Sie mein Abo', 'Mein Paket ist noch nicht angekommen', 'Können Sie mir mit der Rechnung helfen?',
    'Das funktioniert nicht', 'Ich möchte mein Geld zurück', 'Guten Tag, wann haben Sie geöffnet?', 'Der Export schlägt fehl',
  ],
  fr: [
    'Bonjour, où est ma commande ?', 'Je ne peux pas me connecter', 'Comment changer mon adresse de facturation ?', "L'application plante à l'ouverture",
    'Merci beaucoup !', 'Veuillez annuler mon abonnement', "Mon colis n'est pas encore arrivé", "Pouvez-vous m'aider avec la facture ?",
    'Ça ne marche pas', 'Je veux être remboursé', 'Quand êtes-vous ouverts demain ?',
  ],
  es: [
    'Hola, ¿dónde está mi pedido?', 'No puedo iniciar sesión', '¿Cómo cambio mi dirección de facturación?', 'La aplicación se cierra al abrirla',
    '¡Muchas gracias!', 'Por favor cancele mi suscripción', 'Mi paquete todavía no ha llegado', '¿Me puede ayudar con la factura?', 'No funciona',
    'Quiero un reembolso', '¿Cuándo abren mañana?', 'buenos dias necesito ayuda',
  ],
  ru: [
    'Здравствуйте, где мой заказ?', 'Я не могу войти', 'Как изменить адрес доставки?', 'Приложение не открывается', 'Спасибо большое!',
    'Отмените подписку пожалуйста', 'Посылка ещё не пришла', 'Хочу вернуть деньги', 'Не работает', 'Когда вы открываетесь?',
  ],
}; // prettier-ignore

describe('the language of a text', () => {
  let languageOf: LanguageOf;
  beforeAll(async () => {
    languageOf = await languageDetector();
  });

  it('is found of short messages, but for one in fifty', () => {
    const all = Object.entries(LABELLED).flatMap(([language, texts]) => texts.map((text) => ({ language, text })));
    const wrong = all.filter(({ language, text }) => languageOf(text) !== language);
    expect(all.length).toBeGreaterThan(80);
    expect(wrong.length).toBeLessThanOrEqual(all.length / 50);
    // What is written in a script of its own is never mistaken.
    expect(wrong.filter(({ language }) => ['zh', 'ja', 'ko'].includes(language))).toEqual([]);
  });

  it.each([
    ['สวัสดีครับ', 'th'],
    ['مرحبا أين طلبي', 'ar'],
    ['Γεια σας', 'el'],
    ['שלום, איפה ההזמנה שלי', 'he'],
    ['Waar is mijn bestelling?', 'nl'],
    ['Olá, onde está o meu pedido?', 'pt'],
    ['Buongiorno, dove è il mio ordine?', 'it'],
  ])('is found of others: %s', (text, language) => {
    expect(languageOf(text)).toBe(language);
  });

  it.each([
    '',
    '?',
    'ok',
    'OK 👍',
    '12345',
    'https://shop.example/where-is-my-order',
    'iPhone 15',
    'error 500',
    'a@b.example',
    '😀😀',
  ])('is not guessed of %p', (text) => {
    expect(languageOf(text)).toBeUndefined();
  });

  it('is not what a link or an address in the message says', () => {
    expect(languageOf('https://shop.example/en/where-is-my-order-please 打不开')).toBe('zh');
  });

  it('takes no longer for a long message', () => {
    expect(languageOf(`我要退款。${'The rest of it is in English. '.repeat(3_000)}`)).toBe('en');
    expect(languageOf(`${'退款。'.repeat(300)}${'The rest of it is in English. '.repeat(3_000)}`)).toBe('zh');
  });
});

describe('primaryLanguage', () => {
  it.each([
    ['zh-CN', 'zh'],
    ['zh_Hans_CN', 'zh'],
    ['EN', 'en'],
    ['yue', 'yue'],
    ['Chinese', undefined],
    ['*', undefined],
    [undefined, undefined],
  ])('of %p is %p', (tag, language) => {
    expect(primaryLanguage(tag)).toBe(language);
  });
});
