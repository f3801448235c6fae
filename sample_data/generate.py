"""Write the sample data: one year of Meridian Home, an invented retailer with web shop, app and stores.

    python sample_data/generate.py [--out DIR] [--seed N]

The same seed writes the same bytes. Every lesson hidden in the data is a constant in the section "Planted truths";
README.md says how to find each of them again.
"""

import argparse
import random
from datetime import date, timedelta
from pathlib import Path

import retailer as shop
from comments import write_comment
from files import write_files
from journey import Answer, Customer, Journey, pick, seconds_at, weekday
from retailer import DAY, HOUR, MINUTE, YEAR_SECONDS

SEED = 25
CUSTOMERS = 20_000

# --- Planted truths -------------------------------------------------------------------------------------------------
# 1. Which step loses whom: the chance that one visit to the checkout ends in a purchase.
CHECKOUT_SUCCESS = {
    ("Club member", "web"): 0.72,
    ("Club member", "app"): 0.72,
    ("Guest", "web"): 0.64,
    ("Guest", "app"): 0.36,
}
CHECKOUT_EASY_GUEST_ON_APP = 0.48  # share of CES answers 5-7 among those who did buy, all year

# 2. Checkout shows delivery cost up front: adds to all four chances above from this day.
COST_UP_FRONT_FROM = date(2026, 1, 12)
COST_UP_FRONT_GAIN = 0.12
CHECKOUT_EASY_BEFORE, CHECKOUT_EASY_AFTER = 0.62, 0.82  # everybody but guests on the app

# 3. Contacts differ in how often the customer goes on to the shop after one of them.
GOES_ON = {
    "Online ad": 0.22,
    "Video": 0.36,
    "Social media": 0.42,
    "Print and out-of-home": 0.5,
    "Search": 0.7,
    "Website": 0.8,
    "Referral": 0.86,
}
GIVES_UP_AFTER_A_VISIT, GIVES_UP_WHEN_REFERRED = 0.48, 0.1  # by the first contact of the journey
SPRING_CAMPAIGN = (date(2026, 4, 6), date(2026, 5, 4))  # half-open
SPRING_MORE_ADS = 2.2  # times as many first contacts by online ad; GOES_ON stays what it was

# 4. Voucher sites: a detour between checkout and purchase, taken by chance. The purchase does not depend on it.
VOUCHER_DETOUR = 0.16

# 5. Product display to purchase, by whether a sales conversation took place (by chance).
SALE_WITH_CONVERSATION = 0.66
SALE_WITHOUT_CONVERSATION = 0.34

# 6. Share of satisfied answers (4-5 of 5), share of promoters and detractors, and who is moved by how much.
SATISFIED = {"Purchase": 0.82, "Delivery": 0.80, "Return": 0.74, "Support": 0.72}
PROMOTERS, DETRACTORS = 0.50, 0.16  # after a delivery
FAMILY_AT_DELIVERY_CSAT, FAMILY_AT_DELIVERY_NPS = -0.30, -0.40
SAVER_AT_RETURN_CSAT = -0.36
BRAND_PROMOTERS, BRAND_DETRACTORS = 0.44, 0.20  # relationship survey: the same in all personas

# 7. Delivery partner switched: slower and worse from this day (by day of delivery), for everybody.
NEW_PARTNER_FROM = date(2026, 3, 2)
NEW_PARTNER_CSAT, NEW_PARTNER_NPS = -0.14, -0.22
DELIVERY_DAYS_BEFORE, DELIVERY_DAYS_AFTER = (2, 5), (4, 8)

# 8. Support: the chat is easier than the call centre; from May most contacts come by chat. Neither channel gets better.
SUPPORT_EASY = {"chat": 0.86, "call centre": 0.55}
CHAT_FROM = date(2026, 5, 11)
CHAT_SHARE_BEFORE, CHAT_SHARE_AFTER = 0.2, 0.65

# 9. Who comes back: chance of another round of shopping after a purchase, by first contact and by the last delivery.
COMES_BACK_REFERRAL, COMES_BACK = 0.70, 0.42
COMES_BACK_TIMES = {"promoter": 1.25, "passive": 1.0, "detractor": 0.45}

# --- Rates without a lesson -----------------------------------------------------------------------------------------
GOES_ON_RETURNING = 0.88
CONTACTED_AGAIN = 0.74
CART, CART_TO_CHECKOUT, RETRIES_CHECKOUT = 0.85, 0.84, 0.3
CONVERSATION_SHARE = 0.5
DELIVERED_FROM_STORE = 0.5
NEWSLETTER_READ, VISITS_COMMUNITY = 0.45, 0.08
RETURN_SHARE = {"Planner": 0.13, "Saver": 0.2, "Family": 0.13, "New customer": 0.15}
SUPPORT_SHARE = {"promoter": 0.14, "passive": 0.18, "detractor": 0.36}
LOOKS_AGAIN_WITHOUT_PURCHASE = 0.36
ANSWER_SHARE = {"Brand": 0.066, "Purchase": 0.13, "Checkout": 0.22, "Delivery": 0.18, "Return": 0.45, "Support": 0.4}
COMMENT_SHARE = {"positive": 0.61, "neutral": 0.52, "negative": 0.8}
SECOND_COMMENT_SHARE = 0.28  # on the second question of one sitting
ABOUT_DELIVERY_COST_BEFORE, ABOUT_DELIVERY_COST_AFTER = (
    0.6,
    0.3,
)  # of the comments on the checkout, guests on the app apart

BLACK_WEEKS = (date(2025, 11, 17), date(2025, 12, 1))
CAMPAIGNS = {"Black weeks": ("paid ads", *BLACK_WEEKS), "Spring campaign": ("paid ads", *SPRING_CAMPAIGN)}
CHANGES = (
    (str(BLACK_WEEKS[0]), "Black weeks", "Online ad", "paid ads", "awareness", "Sale and ads until 30 November"),
    (
        str(COST_UP_FRONT_FROM),
        "Checkout shows delivery cost up front",
        "Checkout",
        "",
        "action",
        "Web and app; the cost used to appear on the last page",
    ),
    (str(NEW_PARTNER_FROM), "Delivery partner switched", "Delivery", "courier", "loyalty", "All regions on one day"),
    (str(SPRING_CAMPAIGN[0]), "Spring campaign", "Online ad", "paid ads", "awareness", "More ads until 3 May"),
    (str(CHAT_FROM), "Support chat opened to everyone", "Support", "chat", "loyalty", "It was in the app only before"),
)


def draw_customers(chance: random.Random, count: int = CUSTOMERS) -> list[Customer]:
    """All customers; only New customers are seldom in the club."""
    customers = []
    for number in range(1, count + 1):
        persona = pick(chance, shop.PERSONA)
        customers.append(
            Customer(
                customer_id=f"C{number:05}",
                persona=persona,
                segment="Club member" if chance.random() < shop.CLUB_SHARE[persona] else "Guest",
                region=pick(chance, shop.REGION),
                age_band=chance.choices(shop.AGE_BANDS, shop.AGE_WEIGHTS[persona])[0],
                language=pick(chance, shop.LANGUAGE),
            )
        )
    return customers


# --- A journey, from the first contact to the last ------------------------------------------------------------------
def first_day_weights() -> list[float]:
    """How many customers start on each day: season, weekday, a head start for known customers, the spring campaign."""
    weights = []
    for day in range(shop.DAYS):
        moment = shop.START + timedelta(days=day)
        weight = shop.MONTH_WEIGHT[moment.month - 1] * shop.WEEKDAY_WEIGHT[weekday(day)]
        ad_share = shop.FIRST_CONTACT["Online ad"] / sum(shop.FIRST_CONTACT.values())
        if in_spring_campaign(day * DAY):
            weight *= 1 + ad_share * (SPRING_MORE_ADS - 1)
        weights.append(weight * (1 + 0.9 * max(0, 1 - day / 50)))
    return weights


def in_spring_campaign(moment: int) -> bool:
    """Whether more first contacts than usual come by online ad."""
    return seconds_at(SPRING_CAMPAIGN[0]) <= moment < seconds_at(SPRING_CAMPAIGN[1])


def live(journey: Journey, first_day: int) -> None:
    """Rounds of shopping until the customer has had enough or the data end."""
    moment = journey.on_day(first_day, "online")
    contacts: dict[str, float] = dict(shop.FIRST_CONTACT)
    if in_spring_campaign(moment):
        contacts["Online ad"] *= SPRING_MORE_ADS
    contact = pick(journey.chance, contacts)
    journey.referred = contact == "Referral"
    returning = False
    while moment < YEAR_SECONDS:
        bought = shop_once(journey, moment, contact, returning)
        if bought is None:
            if returning or not journey.happens(LOOKS_AGAIN_WITHOUT_PURCHASE):
                break
            moment, contact = journey.days_later(journey.touches[-1].moment, 25, "online"), "Search"
            continue
        verdict, received = bought
        comes_back = COMES_BACK_REFERRAL if journey.referred else COMES_BACK
        if not journey.happens(comes_back * COMES_BACK_TIMES[verdict]):
            break
        moment = journey.days_later(received + 9 * DAY, 22, "online")
        contact = pick(journey.chance, shop.RETURNING_CONTACT)
        returning = True
    answer_relationship_surveys(journey)


def shop_once(journey: Journey, moment: int, contact: str, returning: bool) -> tuple[str, int] | None:
    """One round, from contact to what follows a purchase; its verdict and end, or None without a purchase."""
    persona = journey.customer.persona
    online = "app" if journey.happens(shop.APP_SHARE[persona]) else "web"
    in_store = journey.happens(shop.STORE_SHARE[persona])
    arrived = get_contacted(journey, moment, contact, returning)
    if arrived is None or arrived >= YEAR_SECONDS:
        return None
    decided = look_around(journey, arrived, online, returning)
    if decided is None or decided >= YEAR_SECONDS:
        return None
    order = buy_in_store(journey, decided) if in_store else buy_online(journey, decided, online)
    if order is None or order[0] >= YEAR_SECONDS:
        return None
    return after_purchase(journey, *order, channel="store" if in_store else online)


def get_contacted(journey: Journey, moment: int, contact: str, returning: bool) -> int | None:
    """Contacts until one of them leads to the shop: when that is, or None."""
    while moment < YEAR_SECONDS:
        channel = shop.CONTACT_CHANNEL[contact]
        journey.add(moment, contact, channel)
        if journey.happens(GOES_ON_RETURNING if returning else GOES_ON[contact]):
            return journey.later(moment, 20, 4 * MINUTE)
        if not journey.happens(CONTACTED_AGAIN):
            return None
        contact = pick(journey.chance, shop.NEXT_CONTACT)
        moment = journey.days_later(moment, 5, "online")
    return None


def look_around(journey: Journey, moment: int, online: str, returning: bool) -> int | None:
    """Visits to the shop's pages until the customer decides to buy: when that is, or None."""
    decides = shop.DECIDED_AFTER_A_VISIT[journey.customer.persona]
    while moment < YEAR_SECONDS:
        journey.add(moment, "Website", online)
        for touchpoint, share in shop.ON_A_VISIT.items():
            if journey.happens(share):
                moment = journey.later(moment, 40, 9 * MINUTE)
                journey.add(moment, touchpoint, "print" if touchpoint == "Catalogue" else online)
        if journey.happens(0.8 if returning else decides):
            return moment
        if journey.happens(GIVES_UP_WHEN_REFERRED if journey.referred else GIVES_UP_AFTER_A_VISIT):
            return None
        moment = journey.days_later(moment, 4, "online")
    return None


def buy_online(journey: Journey, moment: int, online: str) -> tuple[int, str] | None:
    """Cart, checkout and, with luck, purchase, at the first try or a later one: moment and order number."""
    if not journey.happens(CART):
        return None
    while moment < YEAR_SECONDS:
        moment = journey.later(moment, MINUTE, 8 * MINUTE)
        journey.add(moment, "Cart", online)
        if journey.happens(CART_TO_CHECKOUT):
            moment, case_id = journey.later(moment, 30, 6 * MINUTE), journey.new_case()
            journey.add(moment, "Checkout", online, case_id)
            success = CHECKOUT_SUCCESS[journey.customer.segment, online]
            success += COST_UP_FRONT_GAIN if moment >= seconds_at(COST_UP_FRONT_FROM) else 0
            if journey.happens(VOUCHER_DETOUR):
                moment = journey.later(moment, 40, 3 * MINUTE)
                journey.add(moment, "Partnership", "partner", case_id)
            if journey.happens(success):
                return buy(journey, journey.later(moment, 40, 5 * MINUTE), online, case_id)
        if not journey.happens(RETRIES_CHECKOUT):
            return None
        moment = journey.days_later(moment, 1, "online")
        journey.add(moment, "Mailing list", "email")
    return None


def buy_in_store(journey: Journey, moment: int) -> tuple[int, str] | None:
    """Display, perhaps a conversation, till and purchase at one instant: moment and order number."""
    moment = journey.days_later(moment, 3, "store")
    journey.add(moment, "Product display", "store")
    talks = journey.happens(CONVERSATION_SHARE)
    if talks:
        moment = journey.later(moment, 4 * MINUTE, 15 * MINUTE)
        journey.add(moment, "Sales conversation", "store")
    if not journey.happens(SALE_WITH_CONVERSATION if talks else SALE_WITHOUT_CONVERSATION):
        return None
    moment, case_id = journey.later(moment, 6 * MINUTE, 25 * MINUTE), journey.new_case()
    journey.add(moment, "Point of sale", "store", case_id)
    return buy(journey, moment, "store", case_id)


def buy(journey: Journey, moment: int, channel: str, case_id: str) -> tuple[int, str]:
    """The goal: a purchase with its value in EUR."""
    median = shop.MEDIAN_ORDER_VALUE[journey.customer.persona]
    value = f"{max(10, round(median * journey.chance.lognormvariate(0, 0.5))) - 0.1:.2f}"
    journey.add(moment, "Purchase", channel, case_id, value)
    return moment, case_id


# --- After the purchase ---------------------------------------------------------------------------------------------
def after_purchase(journey: Journey, moment: int, case_id: str, channel: str) -> tuple[str, int]:
    """Messages, delivery, support, return and the surveys about them: the verdict on the delivery and its moment."""
    message = journey.later(moment, 20, 90)
    journey.add(message, "Thank-you message", "email", case_id)
    journey.add(message, "Invoice", "email", case_id)
    if journey.happens(NEWSLETTER_READ):
        journey.add(journey.days_later(moment, 6, "office"), "Mailing list", "email")
    if channel != "store" and journey.happens(ANSWER_SHARE["Checkout"]):
        answer_checkout(journey, journey.later(moment, HOUR, 20 * HOUR), channel)
    elif journey.happens(ANSWER_SHARE["Purchase"]):
        mood = journey.chance.random()
        answered = journey.days_later(moment + 16 * DAY, 4, "online")
        answer(journey, answered, "csat", csat_score(journey, mood, SATISFIED["Purchase"]), "Purchase", channel)
    verdict, received = "passive", moment
    if channel != "store" or journey.happens(DELIVERED_FROM_STORE):
        verdict, received = deliver(journey, moment, case_id)
    if journey.happens(VISITS_COMMUNITY):
        journey.add(journey.days_later(received, 9, "online"), "Community", "web")
    if journey.happens(SUPPORT_SHARE[verdict]):
        ask_support(journey, received)
    if journey.happens(RETURN_SHARE[journey.customer.persona]):
        send_back(journey, received, case_id)
    return verdict, received


def deliver(journey: Journey, moment: int, case_id: str) -> tuple[str, int]:
    """A delivery and the survey about it; the verdict is what the customer thinks, asked or not."""
    days = DELIVERY_DAYS_AFTER if moment >= seconds_at(NEW_PARTNER_FROM) else DELIVERY_DAYS_BEFORE
    received = journey.on_day(moment // DAY + journey.chance.randint(*days), "courier")
    journey.add(received, "Delivery", "courier", case_id)
    family, new_partner = journey.customer.persona == "Family", received >= seconds_at(NEW_PARTNER_FROM)
    points = family * FAMILY_AT_DELIVERY_NPS + new_partner * NEW_PARTNER_NPS
    satisfied = SATISFIED["Delivery"] + family * FAMILY_AT_DELIVERY_CSAT + new_partner * NEW_PARTNER_CSAT
    mood = journey.chance.random()
    journey.deliveries.append((received, mood))
    score = nps_score(journey, mood, PROMOTERS + points / 2, DETRACTORS - points / 2)
    if journey.happens(ANSWER_SHARE["Delivery"]):
        answered = journey.on_day(received // DAY + journey.chance.randint(1, 4), "online")
        answer(journey, answered, "nps", score, "Delivery", "courier")
        second_mood = mood if journey.happens(0.75) else journey.chance.random()
        second_score = csat_score(journey, second_mood, satisfied)
        answer(journey, answered, "csat", second_score, "Delivery", "courier", second=True)
    return "promoter" if score >= 9 else "detractor" if score <= 6 else "passive", received


def ask_support(journey: Journey, received: int) -> None:
    """One support contact and the survey about it."""
    moment = journey.days_later(received, 4, "office")
    chat_share = CHAT_SHARE_AFTER if moment >= seconds_at(CHAT_FROM) else CHAT_SHARE_BEFORE
    channel = "chat" if journey.happens(chat_share) else "call centre"
    journey.add(moment, "Support", channel)
    if not journey.happens(ANSWER_SHARE["Support"]):
        return
    answered, mood = journey.later(moment, HOUR // 2, 26 * HOUR), journey.chance.random()
    answer(journey, answered, "ces", ces_score(journey, mood, SUPPORT_EASY[channel]), "Support", channel)
    second_mood = mood if journey.happens(0.5) else journey.chance.random()
    satisfied = csat_score(journey, second_mood, SATISFIED["Support"])
    answer(journey, answered, "csat", satisfied, "Support", channel, second=True)


def send_back(journey: Journey, received: int, case_id: str) -> None:
    """A return, in the store or by courier, and the survey about it, two weeks later."""
    channel = "store" if journey.happens(0.4) else "courier"
    moment = journey.days_later(received, 6, "store")
    journey.add(moment, "Return", channel, case_id)
    if not journey.happens(ANSWER_SHARE["Return"]):
        return
    answered, mood = journey.on_day(moment // DAY + journey.chance.randint(10, 16), "online"), journey.chance.random()
    satisfied = SATISFIED["Return"] + (SAVER_AT_RETURN_CSAT if journey.customer.persona == "Saver" else 0)
    answer(journey, answered, "csat", csat_score(journey, mood, satisfied), "Return", channel)
    answer(journey, answered, "ces", ces_score(journey, mood, satisfied), "Return", channel, second=True)


# --- Answers --------------------------------------------------------------------------------------------------------
def nps_score(journey: Journey, mood: float, promoters: float, detractors: float) -> int:
    """0-10; `mood` is uniform on 0-1, so that the shares come out as asked."""
    if mood < detractors:
        return journey.chance.choices(range(7), (4, 4, 7, 11, 14, 26, 34))[0]
    return journey.chance.choice((9, 10) if mood >= 1 - promoters else (7, 8))


def csat_score(journey: Journey, mood: float, satisfied: float) -> int:
    """1-5, of which `satisfied` answer 4 or 5."""
    if mood >= 1 - satisfied:
        return journey.chance.choice((4, 5))
    return journey.chance.choices((1, 2, 3), (25, 30, 45))[0]


def ces_score(journey: Journey, mood: float, easy: float) -> int:
    """1-7, of which `easy` answer 5, 6 or 7."""
    if mood >= 1 - easy:
        return journey.chance.choices((5, 6, 7), (25, 40, 35))[0]
    return journey.chance.choices((1, 2, 3, 4), (10, 20, 30, 40))[0]


def answer_checkout(journey: Journey, moment: int, channel: str) -> None:
    """Guests on the app write about registering, others often about the delivery cost, shown late or up front."""
    guest_on_app = journey.customer.segment == "Guest" and channel == "app"
    up_front = moment >= seconds_at(COST_UP_FRONT_FROM) + DAY  # the answer follows within a day
    easy, topic = CHECKOUT_EASY_AFTER if up_front else CHECKOUT_EASY_BEFORE, "Checkout"
    if guest_on_app:
        easy, topic = CHECKOUT_EASY_GUEST_ON_APP, "Guest checkout"
    elif journey.words.random() < (ABOUT_DELIVERY_COST_AFTER if up_front else ABOUT_DELIVERY_COST_BEFORE):
        topic = "Cost up front" if up_front else "Hidden cost"
    score = ces_score(journey, journey.chance.random(), easy)
    answer(journey, moment, "ces", score, "Checkout", channel, topic=topic)


def answer_relationship_surveys(journey: Journey) -> None:
    """One NPS answer a wave from part of those seen in the 90 days before; half of them judge by the last delivery."""
    for start in map(seconds_at, shop.WAVE_STARTS):
        seen = [touch for touch in journey.touches if start - 90 * DAY <= touch.moment < start]
        if seen and journey.happens(ANSWER_SHARE["Brand"]):
            fresh, moods = journey.chance.random(), [mood for moment, mood in journey.deliveries if moment < start]
            mood = moods[-1] if moods and journey.happens(0.5) else fresh
            score = nps_score(journey, mood, BRAND_PROMOTERS, BRAND_DETRACTORS)
            day = start // DAY + int(7 * journey.chance.random() ** 2)
            answer(journey, journey.on_day(day, "online"), "nps", score, "", "")


def answer(
    journey: Journey,
    moment: int,
    survey_type: str,
    score: int,
    touchpoint: str,
    channel: str,
    *,
    topic: str = "",
    second: bool = False,
) -> None:
    """Record an answer, perhaps with a comment, and the Survey contact in which it was given (once a sitting)."""
    if moment >= YEAR_SECONDS:
        return
    if not second:
        journey.add(moment, "Survey", "email")
    sentiment, topic = feeling(journey, survey_type, score), topic or touchpoint or "Brand"
    comment = ""
    if journey.words.random() < (SECOND_COMMENT_SHARE if second else COMMENT_SHARE[sentiment]):
        comment = write_comment(journey.words, journey.customer.language, topic, sentiment)
    journey.answers.append(Answer(moment, journey.customer, survey_type, score, comment, touchpoint, channel))


def feeling(journey: Journey, survey_type: str, score: int) -> str:
    """The mood of the comment beside a score; scores on the edge go either way."""
    edge = journey.words.choice((0, 1))
    borders = {"nps": (6 + edge, 8 + edge), "csat": (3, 4), "ces": (3 + edge, 5 + edge)}
    neutral_from, positive_from = borders[survey_type]
    return "positive" if score >= positive_from else "neutral" if score >= neutral_from else "negative"


def main() -> None:
    """Draw customers, let them live their year, write the files."""
    parser = argparse.ArgumentParser(description="Write the sample data of Touchline.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write into")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed writes the same bytes")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="how many customers; ten touchpoints each")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    words = random.Random(options.seed + 1)  # a stream of its own: a new phrase moves nobody's journey
    journeys = [Journey(customer, chance, words) for customer in draw_customers(chance, options.customers)]
    first_days = chance.choices(range(shop.DAYS), first_day_weights(), k=options.customers)
    for journey, first_day in zip(journeys, first_days, strict=True):
        live(journey, first_day)
    write_files(options.out, journeys, CHANGES, CAMPAIGNS, chance)


if __name__ == "__main__":
    main()
