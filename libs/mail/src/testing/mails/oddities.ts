/** A mail of a shape that no template has: lines that begin with `+` were newly written, the others were not. */
export interface Oddity {
  readonly name: string;
  readonly subject: string;
  readonly answers: boolean;
  readonly holdOut?: true;
  readonly plain?: string;
  /** Html, with the lines that are to be kept of it. */
  readonly html?: string;
  readonly kept?: readonly string[];
}

const quote = '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px #ccc solid;padding-left:1ex">';

export const oddities: readonly Oddity[] = [
  { name: 'attribution on three lines', subject: 'Re: x', answers: true, plain: `+Fine by me.

 On Tuesday the 3rd of November 2026 at 10:01 in the
 morning, Example Support of Example Company <
 support@shop.example> wrote:
> Shall we?` },
  { name: 'quote that nobody introduces', subject: 'Re: x', answers: true, plain: `+Agreed, thanks.

> Shall we send it on Monday?
> Anna` },
  { name: 'quoted lines whose signs were lost in wrapping', subject: 'Re: x', answers: true, plain: `+Tomorrow is fine.

On Mon, Nov 16, 2026 at 10:23 AM Anna <support@shop.example> wrote:

> The carrier says that the parcel arrives tomorrow between ten and twelve
o'clock at the latest.
> Please make sure that somebody is there.` },
  { name: 'answers inside of history, nothing above', subject: 'RE: x', answers: true, plain: `+From: Anna <support@shop.example>
+Sent: Monday, November 16, 2026 10:23 AM
+To: John <customer@mail.example>
+Subject: Order

+Is the lamp broken?
+JS: yes, it is.` },
  { name: 'own list with signs', subject: 'Hello', answers: false, plain: `+I need these:
+> two lamps
+> one cable
+
+John` },
  { name: 'reply above this line', subject: 'Re: [#4411]', answers: true, plain: `+Still broken.

##- Please type your reply above this line -##

Your request (4411) has been updated.` },
  { name: 'footer of a list', subject: 'Re: x', answers: true, plain: `+I have the same problem.

On Mon, Nov 16, 2026 at 10:23 AM Anna <support@shop.example> wrote:
> It is broken.
_______________________________________________` },
  { name: 'signature below the quote', subject: 'Re: x', answers: true, plain: `+Yes.

On Mon, Nov 16, 2026 at 10:23 AM Anna <support@shop.example> wrote:
> Shall we?

-- 
John Smith
ACME Ltd.` },
  { name: 'disclaimer below the history', subject: 'Re: x', answers: true, plain: `+Yes.

On Mon, Nov 16, 2026 at 10:23 AM Anna <support@shop.example> wrote:
> Shall we?

This email and any attachments are confidential and intended solely for the addressee.` },
  { name: 'indented paragraph', subject: 'A question', answers: false, html: '<div>My address:</div><blockquote style="margin:0 0 0 40px;border:none;padding:0px"><div>Main Street 1</div><div>London</div></blockquote><div>Thanks</div>', kept: ['My address:', 'Main Street 1', 'London', 'Thanks'] },
  { name: 'answer below, Gmail', subject: 'Re: x', answers: true, html: `<div dir="ltr"><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, Nov 16, 2026 at 10:23 AM Anna &lt;<a href="mailto:s@shop.example">s@shop.example</a>&gt; wrote:<br></div>${quote}<div>Shall we?</div></blockquote></div><div><br></div><div>Yes, please.</div></div>`, kept: ['Yes, please.'] },
  { name: 'several languages of attribution', subject: 'Re: x', answers: true, plain: `+Oui, merci.

Le lun. 16 nov. 2026 à 10:23, Anna <support@shop.example> a écrit :
> On y va ?` },
  { name: 'hidden preheader', subject: 'Question', answers: false, html: '<div style="display:none;max-height:0">You will not see this</div><p>Where is my parcel?</p>', kept: ['Where is my parcel?'] },
  { name: 'forwarded below an answer', subject: 'Re: x', answers: true, plain: `+See what they told me:

+---------- Forwarded message ---------
+From: Carrier <info@carrier.example>
+Date: Mon, Nov 16, 2026 at 10:23 AM
+Subject: Your parcel
+To: John <customer@mail.example>

+We could not deliver it.` },

  { name: 'Japanese', subject: 'Re: 注文', answers: true, plain: `+承知しました。よろしくお願いします。

2026年11月16日(月) 10:23 Anna <support@shop.example>:
> 明日届きます。
> 安奈` },
  { name: 'Spanish', subject: 'Re: x', answers: true, holdOut: true, plain: `+Sí, gracias.

El lun, 16 nov 2026 a las 10:23, Anna (<support@shop.example>) escribió:

> ¿Lo enviamos?` },
  { name: 'French Outlook', subject: 'RE: x', answers: true, holdOut: true, plain: `+Oui.

De : Anna <support@shop.example>
Envoyé : lundi 16 novembre 2026 10:23
À : John <customer@mail.example>
Objet : Commande

On y va ?` },
  { name: 'Korean', subject: 'Re: x', answers: true, holdOut: true, plain: `+네, 감사합니다.

2026년 11월 16일 (월) 오전 10:23, Anna <support@shop.example>님이 작성:

> 보낼까요?` },
  { name: 'traditional Chinese, iPhone', subject: '回覆：訂單', answers: true, plain: `+好的，謝謝。

從我的 iPhone 傳送

Anna <support@shop.example> 於 2026年11月16日 上午10:23 寫道：

> 明天送到可以嗎？` },
  { name: 'Outlook history without a rule, bold in plain', subject: 'RE: x', answers: true, holdOut: true, plain: `+Thanks, that works.

*From:* Anna <support@shop.example>
*Sent:* Monday, November 16, 2026 10:23 AM
*To:* John
*Subject:* Order

Try this.` },
  { name: 'Lotus Notes', subject: 'Re: x', answers: true, holdOut: true, plain: `+Please send the invoice again.



From:   Anna <support@shop.example>
To:     John <customer@mail.example>
Date:   16.11.2026 10:23
Subject:        Invoice



Attached.` },
  { name: 'quote of a person in the words', subject: 'Re: x', answers: true, holdOut: true, plain: `+You wrote:
+"the lamp will be replaced at no cost"
+and now I get an invoice?

On Mon, Nov 16, 2026 at 10:23 AM Anna <support@shop.example> wrote:
> Attached.` },
  { name: 'new Outlook', subject: 'Re: x', answers: true, holdOut: true, html: '<div class="elementToProof">It works now.</div><div id="Signature" class="elementToProof">John Smith</div><div id="mail-editor-reference-message-container"><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg"><b>From:</b> Anna &lt;s@shop.example&gt;<br><b>Sent:</b> Monday, 16 November 2026 10:23<br><b>To:</b> John<br><b>Subject:</b> x</div><div>Try this.</div></div>', kept: ['It works now.'] },
  { name: 'Apple Mail, selected words quoted, answered below', subject: 'Re: x', answers: true, holdOut: true, html: '<div><blockquote type="cite"><div>On 16 Nov 2026, at 10:23, Anna &lt;s@shop.example&gt; wrote:</div><br><div>Is it broken?</div></blockquote><br></div><div>Yes, it is.</div>', kept: ['Yes, it is.'] },
  { name: 'eM Client', subject: 'Re: x', answers: true, holdOut: true, html: '<div>Received, thanks.</div><div id="signature_old"><br></div><div>------ Original Message ------</div><div>From "Anna" &lt;<a href="mailto:s@shop.example">s@shop.example</a>&gt;</div><div>To "John"</div><div>Date 16/11/2026 10:23:11</div><div>Subject Order</div><br><div>Sent today.</div>', kept: ['Received, thanks.'] },
  { name: 'Spark', subject: 'Re: x', answers: true, holdOut: true, html: '<div name="messageBodySection"><div dir="auto">Great, thank you!</div></div><div name="messageReplySection">On 16 Nov 2026 at 10:23 +0100, Anna &lt;s@shop.example&gt;, wrote:<br><blockquote type="cite" style="border-left-color: grey; border-left-width: thin; border-left-style: solid;">Sent today.</blockquote></div>', kept: ['Great, thank you!'] },
  { name: 'DingTalk mail', subject: '回复：订单', answers: true, html: '<div>可以，谢谢。</div><div><br></div><div>------------------------------------------------------------------</div><div>发件人：明亮客服 &lt;s@shop.example&gt;</div><div>日　期：2026年11月16日 10:23:11</div><div>收件人：王伟&lt;c@mail.example&gt;</div><div>主　题：订单</div><div><br></div><div>明天送到可以吗？</div>', kept: ['可以，谢谢。'] },
  { name: 'Aliyun mail', subject: '回复：订单', answers: true, html: '<div class="__aliyun_email_body_block"><div>收到了。</div><div>------------------------------------------------------------------</div><div style="margin:12px 0">发件人：明亮客服 &lt;s@shop.example&gt;<br>发送时间：2026年11月16日(星期一) 10:23<br>收件人：王伟 &lt;c@mail.example&gt;<br>主　题：订单</div><div>明天送到可以吗？</div></div>', kept: ['收到了。'] },
]; // prettier-ignore
