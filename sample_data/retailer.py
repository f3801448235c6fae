"""Meridian Home, an invented retailer: its touchpoints, its customers and the rhythm of its days.

Only facts without a lesson stand here. What a reader should be able to find in the data stands in generate.py.
"""

from datetime import date

START = date(2025, 10, 1)
DAYS = 365
MINUTE, HOUR, DAY = 60, 3_600, 86_400
YEAR_SECONDS = DAYS * DAY

# touchpoint: (type, stage, phase). A Purchase is physical in the store; every other touchpoint has one type.
TOUCHPOINTS = {
    "Online ad": ("digital", "awareness", "before"),
    "Social media": ("digital", "awareness", "before"),
    "Referral": ("human", "awareness", "before"),
    "Video": ("digital", "awareness", "before"),
    "Print and out-of-home": ("physical", "awareness", "before"),
    "Partnership": ("digital", "awareness", "before"),
    "Search": ("digital", "consideration", "before"),
    "Blog": ("digital", "consideration", "before"),
    "Website": ("digital", "consideration", "before"),
    "Catalogue": ("physical", "consideration", "during"),
    "Customer review": ("digital", "decision", "during"),
    "Product display": ("physical", "decision", "during"),
    "Sales conversation": ("human", "decision", "during"),
    "Cart": ("digital", "decision", "during"),
    "Checkout": ("digital", "action", "during"),
    "Point of sale": ("physical", "action", "during"),
    "Purchase": ("digital", "action", "during"),
    "Thank-you message": ("digital", "loyalty", "after"),
    "Invoice": ("digital", "loyalty", "after"),
    "Delivery": ("physical", "loyalty", "after"),
    "Survey": ("digital", "loyalty", "after"),
    "Mailing list": ("digital", "loyalty", "after"),
    "Community": ("digital", "loyalty", "after"),
    "Support": ("human", "loyalty", "after"),
    "Return": ("physical", "loyalty", "after"),
}

# Where each contact that can start or feed a journey happens.
CONTACT_CHANNEL = {
    "Online ad": "paid ads",
    "Social media": "social",
    "Referral": "referral",
    "Search": "search",
    "Print and out-of-home": "print",
    "Video": "social",
    "Website": "web",
    "Mailing list": "email",
    "Community": "web",
}
FIRST_CONTACT = {
    "Online ad": 40,
    "Social media": 19,
    "Search": 14,
    "Referral": 9,
    "Print and out-of-home": 7,
    "Website": 6,
    "Video": 5,
}
NEXT_CONTACT = {"Online ad": 50, "Social media": 20, "Search": 10, "Print and out-of-home": 10, "Video": 10}
RETURNING_CONTACT = {
    "Mailing list": 40,
    "Website": 24,
    "Search": 12,
    "Online ad": 10,
    "Social media": 8,
    "Community": 6,
}

PERSONA = {"Planner": 27, "Saver": 28, "Family": 25, "New customer": 20}
CLUB_SHARE = {"Planner": 0.52, "Saver": 0.52, "Family": 0.52, "New customer": 0.2}
REGION = {"Capital": 26, "Coast": 20, "Lakes": 17, "Plains": 15, "Highlands": 12, "Islands": 10}
LANGUAGE = {"en": 34, "ar": 22, "fa": 22, "ru": 22}
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
AGE_WEIGHTS = {
    "Planner": (4, 14, 22, 26, 20, 14),
    "Saver": (20, 26, 18, 14, 12, 10),
    "Family": (2, 24, 42, 24, 6, 2),
    "New customer": (26, 32, 18, 12, 8, 4),
}
STORE_SHARE = {"Planner": 0.26, "Saver": 0.18, "Family": 0.42, "New customer": 0.22}
APP_SHARE = {"Planner": 0.35, "Saver": 0.55, "Family": 0.42, "New customer": 0.5}
DECIDED_AFTER_A_VISIT = {"Planner": 0.38, "Saver": 0.5, "Family": 0.55, "New customer": 0.5}
MEDIAN_ORDER_VALUE = {"Planner": 180, "Saver": 70, "Family": 140, "New customer": 95}

# What else a visit to the pages of the shop holds (another page comes first): the chance of each.
ON_A_VISIT = {"Website": 0.55, "Customer review": 0.34, "Blog": 0.1, "Video": 0.08, "Catalogue": 0.09}

MONTH_WEIGHT = (1.05, 0.8, 0.95, 1.05, 1.0, 0.9, 0.8, 0.85, 1.05, 1.0, 1.3, 1.25)  # January to December
WEEKDAY_WEIGHT = (1.0, 0.92, 0.92, 0.98, 1.08, 1.3, 1.2)  # Monday to Sunday
HOUR_WEIGHT = {
    "store": (0,) * 10 + (4, 7, 9, 8, 8, 9, 11, 12, 10, 6) + (0,) * 4,
    "online": (2, 1, 1, 1, 1, 1, 2, 4, 6, 7, 7, 8, 10, 9, 7, 7, 7, 8, 10, 13, 15, 15, 11, 6),
    "courier": (0,) * 8 + (6, 9, 10, 10, 8, 8, 9, 9, 7, 5) + (0,) * 6,
    "office": (0,) * 8 + (8, 12, 12, 11, 9, 9, 11, 11, 8, 5, 3, 2) + (0,) * 4,
}

# survey type: (question, lowest score, highest score); higher is better in all three.
QUESTION = {
    "nps": ("Would you recommend us?", 0, 10),
    "csat": ("How satisfied are you?", 1, 5),
    "ces": ("It was easy for me.", 1, 7),
}
# Relationship surveys go out in these four weeks, to part of the customers seen in the 90 days before.
WAVE_STARTS = (date(2025, 11, 10), date(2026, 2, 9), date(2026, 5, 11), date(2026, 8, 10))

# channel: (campaigns and their shares of the contacts, EUR a contact, impressions a contact or None)
PAID_CHANNELS = {
    "paid ads": ({"Always on": 1.0}, 2.4, 55),
    "social": ({"Always on": 1.0}, 1.3, 70),
    "search": ({"Brand": 0.6, "Generic": 0.4}, 1.6, 12),
    "print": ({"Leaflets and posters": 1.0}, 3.2, None),
    "email": ({"Newsletter": 1.0}, 0.12, None),
    "referral": ({"Refer a friend": 1.0}, 4.0, None),
}
VOUCHER_COMMISSION = 0.07  # of the order value, paid to partner sites
