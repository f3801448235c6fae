"""How the world calls our columns: known headers in English, Arabic, Persian and Russian, the best name first.

Case, spaces and punctuation of a header do not matter; `plain` says how. A name stands under one column of a table only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from cx_metrics.texts import N_

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Letters that keyboards of Arabic and Persian write differently in the same word, and the Russian yo.
_SAME = str.maketrans("أإآٱىيكةؤئё", "ااااییکهوئе", "ـ\u200c\u200d\u200e\u200f")


@lru_cache(maxsize=8192)
def words(header: str) -> tuple[str, ...]:
    """The words of a header in lower case: "CompleteTimestamp" → complete, timestamp."""
    parted = _CAMEL.sub(" ", unicodedata.normalize("NFKC", header))
    kept = "".join(
        c for c in unicodedata.normalize("NFD", parted) if unicodedata.category(c) != "Mn" or c in "\u0653\u0306"
    )
    folded = unicodedata.normalize("NFC", kept).translate(_SAME).casefold()
    return tuple(re.findall(r"[^\W_]+", folded))


def plain(header: str) -> str:
    """A header without case, spaces and punctuation: "Customer ID" and "customer_id" are one name."""
    return "".join(words(header))


def _names(*lines: str) -> tuple[str, ...]:
    return tuple(name.strip() for line in lines for name in line.split(","))


_CUSTOMER = _names(
    "customer_id, customer unique id, client_id, user_id, userid, customer, customer number, customer no, cust_id, custid",
    "contact_id, contact key, subscriber key, subscriber_id, member_id, person_id, account_id, profile_id, player_id, patient_id",
    "visitor_id, id visitor, fullvisitorid, user_pseudo_id, distinct_id, anonymous_id, device_id, household_id, household_key",
    "lead_id, respondent, guest_id, passenger_id, client, user, uid, customer email, user email, email, email address, e-mail",
    "customer key, customer name, requester id, requester, contact, phone number, loyalty card, card number",
    "معرف العميل, رقم العميل, رمز العميل, كود العميل, العميل, معرف الزبون, رقم الزبون, الزبون, معرف المستخدم, المستخدم, معرف",
    "شناسه مشتری, کد مشتری, شماره مشتری, مشتری, شناسه کاربر, کد کاربر, کاربر, مشترک, شماره اشتراک, ایمیل",
    "id клиента, ид клиента, идентификатор клиента, код клиента, номер клиента, клиент, id покупателя, покупатель",
    "id пользователя, пользователь, идентификатор пользователя, клиентский номер, карта лояльности, контакт",
)
_TOUCHPOINT = _names(
    "touchpoint, touch point, touchpoint name, raw_touchpoint, event, event_name, event name, event type, event_action",
    "activity, activity name, activityid, activity id, concept name, action, action type, action name, interaction",
    "interaction type, contact type, touch, page, page_title, page name, page path, screen, screen name, step name",
    "نقطة التماس, نقطه التماس, نقطة الاتصال, الحدث, اسم الحدث, نوع الحدث, التفاعل, الإجراء, النشاط, الصفحة",
    "نقطه تماس, نقطه ارتباط, رویداد, نام رویداد, نوع رویداد, تعامل, فعالیت, اقدام, صفحه",
    "точка контакта, точка касания, точка взаимодействия, событие, название события, тип события, действие",
    "активность, взаимодействие, этап события, страница, операция",
)
_CHANNEL = _names(
    "channel, channel name, marketing channel, channel grouping, default channel group, session default channel group",
    "traffic source, source medium, utm_source, contact channel, medium, media channel, acquisition channel, utm medium",
    "القناة, قناة, القناة التسويقية, قناة التواصل, کانال, کانال ارتباطی, کانال بازاریابی, رسانه",
    "канал, канал связи, канал привлечения, канал продаж, источник трафика, рекламный канал",
)
_STAGE = _names(
    "stage, journey stage, customer stage, lifecycle stage, funnel stage, stage name",
    "المرحلة, مرحلة, مرحلة الرحلة, مرحله, مرحله سفر, مرحله سفر مشتری, этап, стадия, этап пути, этап воронки",
)
_CASE = _names(
    "case_id, caseid, case, order_id, order number, order no, orderid, transaction_id, ticket_id, ticket number, ticket",
    "invoice_id, invoice number, invoice, booking_id, reservation_id, purchase_id, basket_id, receipt_id, request id",
    "رقم الطلب, معرف الطلب, رقم الفاتورة, رقم التذكرة, شماره سفارش, کد سفارش, شناسه سفارش, شماره فاکتور, شماره تیکت",
    "номер заказа, id заказа, заказ, номер обращения, обращение, номер заявки, заявка, номер чека, номер сделки, сделка",
)
_CURRENCY = _names(
    "currency, currency code, cur, iso currency, العملة, عملة, ارز, واحد پول, واحد ارز, валюта, код валюты"
)
_PERSONA = _names(
    "persona, customer persona, buyer persona, الشخصية, شخصية العميل, پرسونا, شخصیت مشتری, персона, портрет"
)
_SEGMENT = _names(
    "segment, customer segment, user segment, client segment, segment name, customer group, rfm segment",
    "الشريحة, شريحة العملاء, فئة العميل, بخش مشتری, سگمنت, بخش بندی, گروه مشتری, сегмент, сегмент клиента, группа клиентов",
)
_REGION = _names(
    "region, customer region, customer state, state, province, country, customer country, city, customer city, market, area",
    "المنطقة, منطقة, المحافظة, الدولة, البلد, المدينة, استان, منطقه, کشور, شهر, регион, область, страна, город",
)
_TIME = _names(
    "occurred_at, timestamp, event_timestamp, event time, event date, datetime, date time, time, event datetime, ts, time stamp",
    "activity date, activity time, interaction date, complete timestamp, start timestamp, visit time, visit date, hit time",
    "server time, created_at, created, created date, created time, creation date, date created, date, start time, start date",
    "order date, order purchase timestamp, transaction date, purchase date, invoice date, day, end time, updated at, when, at",
    "وقت الحدث, تاريخ الحدث, الوقت والتاريخ, التاريخ والوقت, الطابع الزمني, التاريخ, تاريخ, الوقت, وقت, تاريخ الإنشاء",
    "زمان رویداد, تاریخ رویداد, تاریخ و زمان, زمان و تاریخ, تاریخ, زمان, تاریخ ثبت, تاریخ ایجاد, ساعت",
    "дата события, время события, дата и время, дата время, метка времени, дата, время, дата создания, создано, когда",
)
_LANGUAGE = _names(
    "language, lang, user language, userlanguage, survey language, comment language, locale",
    "اللغة, لغة, زبان, язык",
)

TOUCHPOINTS = {
    "customer_id": _CUSTOMER,
    "occurred_at": _TIME,
    "sequence": _names(
        "sequence, sequence number, seq, seq no, event sequence, event index, event number, hit number, order of events",
        "event order, order in journey, order, step, step number, position, rank, nr, no",
        "الترتيب, التسلسل, رقم التسلسل, ترتيب, ترتیب, شماره ترتیب, порядок, порядковый номер, номер шага, шаг",
    ),
    "touchpoint": _TOUCHPOINT,
    "channel": _CHANNEL,
    "touchpoint_type": _names(
        "touchpoint_type, type of touchpoint, touchpoint kind, physical digital human",
        "نوع نقطة التماس, نوع نقطه تماس, тип точки контакта, тип точки касания",
    ),
    "phase": _names("phase, journey phase, purchase phase, الطور, طور الشراء, فاز, فاز خرید, фаза, фаза покупки"),
    "stage": _STAGE,
    "session_id": _names(
        "session_id, session, sessionid, ga_session_id, visit_id, id visit, visitid, visit number, session number",
        "معرف الجلسة, الجلسة, شناسه نشست, نشست, جلسه, id сессии, сессия, идентификатор сессии, визит, id визита",
    ),
    "case_id": _CASE,
    "value": _names(
        "value, revenue, amount, order value, transaction value, purchase value, sales, price, total, total price, turnover",
        "order total, total revenue, event value, payment value, purchase amount, sales value, gmv, conversion value",
        "القيمة, قيمة, المبلغ, مبلغ, الإيراد, الإيرادات, السعر, قيمة الطلب, ارزش, مبلغ سفارش, درآمد, قیمت, فروش",
        "сумма, стоимость заказа, выручка, доход, ценность, сумма заказа, цена",
    ),
    "cost": _names(
        "cost, costs, touchpoint cost, event cost, التكلفة, تكلفة, هزینه, расход, расходы, затраты, стоимость"
    ),
    "currency": _CURRENCY,
    "duration_seconds": _names(
        "duration_seconds, duration, duration in seconds, seconds, time on page, engagement time, dwell time, handle time",
        "المدة, المدة بالثواني, مدت, مدت به ثانیه, длительность, продолжительность, длительность в секундах",
    ),
    "persona": _PERSONA,
    "segment": _SEGMENT,
    "region": _REGION,
}
SURVEYS = {
    "response_id": _names(
        "response_id, responseid, response number, answer_id, review_id, survey response id, submission_id, feedback_id",
        "respondent id, respondentid, respnum, record id, rating id, entry id, id, tweet id, record no, #",
        "معرف الرد, رقم الرد, معرف الإجابة, شناسه پاسخ, کد پاسخ, شماره پاسخ, id ответа, номер ответа, id отзыва, номер анкеты",
    ),
    "customer_id": _CUSTOMER,
    "answered_at": _names(
        "answered_at, answer timestamp, review answer timestamp, answer date, response date, response time, responded_at",
        "submitted_at, submit date, submitdate, submission date, submitted, completed_at, completion date, recorded date",
        "recordeddate, end date, enddate, date submitted, date modified, survey date, review date, date, timestamp, datetime",
        "feedback date, created_at, created date, created, creation date, review creation date, start date, time, interview date",
        "تاريخ الإجابة, تاريخ الرد, وقت الإجابة, تاريخ التقييم, التاريخ, تاريخ, تاریخ پاسخ, زمان پاسخ, تاریخ نظر, تاریخ, زمان",
        "дата ответа, время ответа, дата отзыва, дата оценки, дата опроса, дата, время, дата создания",
    ),
    "question": _names(
        "question, question text, survey question, prompt, السؤال, سؤال, سوال, پرسش, вопрос, текст вопроса"
    ),
    "survey_type": _names(
        "survey_type, score type, question type, metric, kpi, نوع الاستبيان, نوع نظرسنجی, тип опроса"
    ),
    "score": _names(
        "score, nps, nps score, nps rating, csat, csat score, ces, ces score, rating, review score, overall rating, answer value",
        "satisfaction, satisfaction score, satisfaction rating, effort, effort score, customer effort score, recommend",
        "likelihood to recommend, likely to recommend, how likely are you to recommend us, net promoter score, netpro, ltr",
        "stars, star rating, grade, mark, points, overall score, overall satisfaction, answer, response, polarity, rate",
        "التقييم, تقييم, الدرجة, النتيجة, درجة الرضا, الرضا, التوصية, امتیاز, نمره, رضایت, میزان رضایت, رتبه, ستاره, توصیه",
        "оценка, балл, рейтинг, удовлетворенность, оценка nps, оценка csat, готовность рекомендовать, усилия, звезды",
    ),
    "comment": _names(
        "comment, comments, comment text, review comment message, message, verbatim, open answer, open text, review text",
        "feedback, feedback text, review, text, content, body, reason, remarks, why, suggestion, review body, description",
        "التعليق, تعليق, تعليقات, ملاحظات, الرأي, النص, المراجعة, نظر, دیدگاه, نظرات, متن, متن نظر, توضیحات, پیشنهاد",
        "комментарий, комментарии, отзыв, текст, текст отзыва, сообщение, пожелания, замечания",
    ),
    "scale_low": _names(
        "scale_low, scale min, scale minimum, minimum score, lowest, أدنى درجة, کمترین امتیاز, минимум шкалы"
    ),
    "scale_high": _names(
        "scale_high, scale max, scale maximum, maximum score, أعلى درجة, بیشترین امتیاز, максимум шкалы"
    ),
    "higher_is_better": _names("higher_is_better, high is good, positive direction, الأعلى أفضل, больше лучше"),
    "touchpoint": _TOUCHPOINT,
    "stage": _STAGE,
    "channel": _CHANNEL,
    "language": _LANGUAGE,
    "wave": _names("wave, survey wave, survey round, round, موجة, الموجة, موج, دوره نظرسنجی, волна, волна опроса"),
    "source": _names("source, survey name, survey, collector, survey tool, المصدر, منبع, источник, опрос"),
    "weight": _names("weight, survey weight, weighting, الوزن, وزن, вес, весовой коэффициент"),
    "case_id": _CASE,
    "persona": _PERSONA,
    "segment": _SEGMENT,
    "region": _REGION,
}
INVITATIONS = {
    "invitation_id": _names(
        "invitation_id, invitation, invite id, distribution id, message id, recipient number, survey link, unique link, link",
        "id, معرف الدعوة, رقم الدعوة, شناسه دعوت, کد دعوت, شماره دعوت, id приглашения, номер приглашения, ссылка",
    ),
    "customer_id": (
        *_CUSTOMER,
        *_names(
            "recipient_id, recipient, recipient email, external data reference, external reference, invitee, المستلم, المدعو",
            "گیرنده, получатель, приглашенный",
        ),
    ),
    "sent_at": _names(
        "sent_at, sent date, date sent, sent on, sent time, time sent, send date, send time, invited_at, invitation date",
        "invitation sent, invite date, email sent date, distribution date, mail date, timestamp, date, datetime, created_at",
        "تاريخ الإرسال, وقت الإرسال, تاريخ الدعوة, تاریخ ارسال, زمان ارسال, تاریخ دعوت, дата отправки, время отправки",
        "дата приглашения, отправлено в, التاريخ, تاريخ, تاریخ, дата",
    ),
    "wave": _names(
        "wave, survey wave, survey round, round, distribution, distribution name, campaign, survey, survey name, period, quarter",
        "موجة, الموجة, جولة, الاستبيان, موج, دوره, دوره نظرسنجی, نظرسنجی, волна, волна опроса, опрос, рассылка",
    ),
    "status": _names(
        "status, invitation status, invite status, survey status, delivery status, mail status, email status, response status",
        "survey response status, distribution status, recipient status, state, outcome, result, last event, last status",
        "الحالة, حالة, حالة الدعوة, حالة الإرسال, وضعیت, وضعیت دعوت, وضعیت ارسال, статус, статус приглашения, статус отправки",
        "статус опроса, состояние",
    ),
    "channel": (*_CHANNEL, "distribution channel", "distribution method", "method", "mode", "способ отправки"),
    "touchpoint": tuple(name for name in _TOUCHPOINT if name not in ("event", "action", "event type", "action type")),
    "stands_for": _names("stands_for, count, counts, number, invitations, n, العدد, عدد, تعداد, количество, число"),
    "sent": _names(
        "sent, invitations sent, emails sent, invites sent, surveys sent, total sent, mailed, المرسلة, عدد المرسلة, ارسال شده",
        "تعداد ارسال, отправлено, отправлено приглашений",
    ),
    "bounced": _names(
        "bounced, bounces, bounce, emails bounced, failed, undelivered, المرتدة, برگشتی, برگشت خورده, недоставлено, возвраты"
    ),
    "opted_out": _names(
        "opted_out, opt outs, optouts, opt out, unsubscribed, unsubscribes, إلغاء الاشتراك, لغو اشتراک, отписались, отписки"
    ),
    "started": _names(
        "started, starts, surveys started, responses started, opened survey, بدأ, بدأت, شروع شده, начали, начато"
    ),
    "completed": _names(
        "completed, completes, complete, finished, responses, responded, surveys completed, completions, المكتملة, تکمیل شده",
        "завершили, завершено, ответили, ответов",
    ),
    "persona": _PERSONA,
    "segment": _SEGMENT,
    "region": tuple(name for name in _REGION if name != "state"),
}
CUSTOMERS = {
    "customer_id": (*_CUSTOMER, "id", "شناسه", "المعرف", "ид", "код"),
    "persona": _PERSONA,
    "segment": _SEGMENT,
    "region": _REGION,
}
SPEND = {
    "period_start": _names(
        "period_start, date, day, week, month, date start, start date, period, from, week start, week of, reporting starts, start",
        "التاريخ, تاريخ, اليوم, تاريخ البداية, من تاريخ, تاریخ, روز, هفته, تاریخ شروع, از تاریخ",
        "дата, день, неделя, дата начала, начало периода, с, период",
    ),
    "period_end": _names(
        "period_end, date end, date stop, end date, to, until, week end, week ending, reporting ends, end",
        "تاريخ النهاية, إلى تاريخ, تاریخ پایان, تا تاریخ, дата окончания, конец периода, по",
    ),
    "channel": (
        *_CHANNEL,
        "source",
        "platform",
        "network",
        "publisher",
        "vendor",
        "media",
        "источник",
        "площадка",
        "منبع",
    ),
    "campaign": _names(
        "campaign, campaign name, campaign id, utm campaign, ad campaign, fb campaign id, ad name, ad set name",
        "الحملة, اسم الحملة, کمپین, نام کمپین, кампания, название кампании, рекламная кампания",
    ),
    "cost": _names(
        "cost, spend, spent, amount spent, cost usd, costs, total cost, ad spend, ad cost, budget spent, media cost, budget",
        "expenses, التكلفة, تكلفة, الإنفاق, المصروفات, الميزانية, هزینه, هزینه تبلیغات, مخارج, بودجه",
        "расход, расходы, затраты, стоимость, потрачено, бюджет, сумма",
    ),
    "currency": _CURRENCY,
    "impressions": _names("impressions, impr, views, مرات الظهور, الظهور, نمایش, تعداد نمایش, показы, показов"),
    "clicks": _names("clicks, link clicks, النقرات, نقرات, کلیک, تعداد کلیک, клики, переходы"),
}
CHANGES = {
    "changed_at": _names(
        "changed_at, date, release date, change date, timestamp, datetime, start date, day, when, date of change, launch date",
        "تاريخ التغيير, التاريخ, تاريخ, تاریخ تغییر, تاریخ, дата изменения, дата, дата релиза",
    ),
    "title": _names(
        "title, change, what, what changed, change title, release, annotation, name, event, summary, subject, headline",
        "العنوان, التغيير, عنوان, تغییر, название, изменение, заголовок, релиз, что изменилось",
    ),
    "touchpoint": tuple(name for name in _TOUCHPOINT if name not in ("event", "action")),
    "channel": _CHANNEL,
    "stage": _STAGE,
    "note": _names(
        "note, notes, description, remarks, remark, comment, details, ملاحظات, ملاحظة, الوصف, یادداشت, توضیحات",
        "примечание, заметка, описание, комментарий",
    ),
}

ALIASES: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "touchpoints": TOUCHPOINTS,
        "surveys": SURVEYS,
        "invitations": INVITATIONS,
        "customers": CUSTOMERS,
        "spend": SPEND,
        "changes": CHANGES,
    }
)

# How a reason calls our columns.
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "customer_id": N_("the customer"),
        "occurred_at": N_("the time of the contact"),
        "sequence": N_("the order of the contacts"),
        "touchpoint": N_("the touchpoint"),
        "channel": N_("the channel"),
        "touchpoint_type": N_("the type of the touchpoint"),
        "phase": N_("the phase"),
        "stage": N_("the stage"),
        "session_id": N_("the visit"),
        "case_id": N_("the order or ticket"),
        "value": N_("the value"),
        "cost": N_("the cost"),
        "currency": N_("the currency"),
        "duration_seconds": N_("the duration in seconds"),
        "persona": N_("the persona"),
        "segment": N_("the segment"),
        "region": N_("the region"),
        "response_id": N_("the number of the answer"),
        "answered_at": N_("the time of the answer"),
        "question": N_("the question"),
        "survey_type": N_("the kind of question"),
        "score": N_("the score"),
        "scale_low": N_("the lowest answer of the scale"),
        "scale_high": N_("the highest answer of the scale"),
        "higher_is_better": N_("the direction of the scale"),
        "comment": N_("the comment"),
        "language": N_("the language"),
        "wave": N_("the survey round"),
        "source": N_("the source of the answers"),
        "weight": N_("the weight of the answer"),
        "invitation_id": N_("the number of the invitation"),
        "sent_at": N_("the time of the invitation"),
        "status": N_("how far the invitation came"),
        "stands_for": N_("the number of invitations"),
        "sent": N_("the invitations sent"),
        "bounced": N_("the invitations that bounced"),
        "opted_out": N_("the invitations to people who opted out"),
        "started": N_("the surveys begun"),
        "completed": N_("the surveys completed"),
        "period_start": N_("the first day of the period"),
        "period_end": N_("the last day of the period"),
        "campaign": N_("the campaign"),
        "impressions": N_("the impressions"),
        "clicks": N_("the clicks"),
        "changed_at": N_("the date of the change"),
        "title": N_("the title of the change"),
        "note": N_("remarks"),
    }
)
