"""What customers write in English: things bought, openings, phrases by topic and sentiment, closing words.

A topic's phrases come in groups of one aspect each, so that a comment may join two groups and never contradict itself.
"""

ITEMS = (
    "a sofa",
    "an armchair",
    "a bed frame",
    "a floor lamp",
    "a wool rug",
    "a writing desk",
    "a bookcase",
    "a set of bedding",
    "four dining chairs",
    "a chest of drawers",
)

OPENINGS = {
    "Brand": ("Last time I bought {item}.", "My most recent order was {item}.", "We chose {item} with you this year."),
    "Purchase": ("Bought {item}.", "Came for {item}.", "Needed {item} for a new flat.", "After some thought, {item}."),
    "Checkout": ("Ordered {item}.", "Wanted {item} in a hurry.", "Just one thing in the basket: {item}."),
    "Delivery": ("Ordered {item}.", "We were waiting for {item}.", "This time it was {item}."),
    "Return": ("Sent back {item}.", "Returned {item}.", "Changed my mind about {item}."),
    "Support": ("Got in touch about {item}.", "My question was about {item}.", "Needed help with {item}."),
}

PHRASES = {
    "Brand": {
        "positive": (
            (
                "Good range and fair prices for what you get",
                "The things I bought years ago still look new",
                "I always find something that fits our home",
                "Quality is better than in the big chains",
                "Prices are honest, no fake discounts",
            ),
            (
                "I have already recommended you to two friends",
                "Website, app and shop all tell me the same thing, which is rare",
                "When something goes wrong you put it right",
                "Staff know what they are talking about",
            ),
        ),
        "neutral": (
            (
                "Nice products, but I compare prices elsewhere first",
                "Fine for basics, less so for larger furniture",
                "Neither better nor worse than other shops",
                "I like the style, the service depends on who you get",
                "Would like to see more small things for rented flats",
            ),
        ),
        "negative": (
            (
                "Prices have gone up and quality has not",
                "Half of what I want is out of stock",
                "The range looks tired compared with last year",
                "What I bought did not last a season",
            ),
            (
                "You send too many emails and answer too few",
                "The app says one thing and the shop another",
                "Every problem means explaining it all over again",
                "As a customer I feel like a ticket number",
            ),
        ),
    },
    "Purchase": {
        "positive": (
            (
                "Found what I was looking for within minutes",
                "Photos and measurements were spot on",
                "The reviews helped me choose the right size",
                "Plenty of choice without being overwhelming",
                "Everything I wanted was in stock",
            ),
            (
                "Very good value for the money",
                "Looks even better in our living room than in the pictures",
                "Solid, well made, no wobbling",
                "The price was the one on the label, nothing added later",
            ),
        ),
        "neutral": (
            (
                "The product is fine, choosing it took a while",
                "Colour is a little different from the picture, I can live with it",
                "Good quality, though not cheap",
                "Does what it should, nothing special",
                "Assembly instructions could be clearer",
            ),
        ),
        "negative": (
            (
                "The filters do not work, I scrolled through pages of things I did not want",
                "Measurements in the description were wrong",
                "Nobody could tell me whether it was in stock",
                "Only two colours left and neither was the one shown",
            ),
            (
                "Feels cheap for that price",
                "A screw was missing and one board had a scratch",
                "The week after I paid it was on sale for a third less",
                "It smells of glue even after a fortnight",
            ),
        ),
    },
    "Checkout": {
        "positive": (
            (
                "Paid in under {minutes} minutes",
                "My address was already filled in, two taps and done",
                "Clear steps, I always knew what came next",
                "Nothing to type twice",
            ),
            (
                "Saved cards make it easy",
                "All the ways of paying I use were there",
                "I could choose the delivery day straight away",
                "The confirmation arrived at once",
            ),
        ),
        "neutral": (
            (
                "It worked, but there are a few steps too many",
                "Fine on the laptop, a bit cramped on the phone",
                "Had to look for the voucher box",
                "Paying was easy, choosing a delivery slot was not",
                "All right in the end, the page was slow",
            ),
        ),
        "negative": (
            (
                "The form threw away my address twice",
                "The page froze and I did not know whether I had paid",
                "It took me {long_minutes} minutes to pay for one item",
                "Too many screens for a simple order",
            ),
            (
                "My card was refused for no reason and then charged anyway",
                "The voucher code was not accepted and nobody said why",
                "There was no delivery date until after I had paid",
            ),
        ),
    },
    "Guest checkout": {
        "negative": (
            (
                "The app would not let me pay without creating an account",
                "I only wanted to buy one thing, why must I register",
                "Had to invent a password in the middle of paying",
                "The code to confirm my new account never came",
                "Guest checkout in the app is hidden, I found it by accident",
                "Typed my address on a phone keyboard twice because the app forgot it",
            ),
        ),
    },
    "Hidden cost": {
        "negative": (
            (
                "Delivery cost appeared only on the last page",
                "The price jumped at the very end because of delivery",
                "Why not show the delivery cost from the start",
                "I felt tricked when the delivery cost turned up after my card number",
                "Almost gave up when I saw the delivery cost on the last screen",
            ),
        ),
    },
    "Cost up front": {
        "positive": (
            (
                "Delivery cost was shown before I had to enter anything",
                "Good that the delivery cost now stands at the top",
                "The total at the start was the total at the end",
                "At last I see what delivery costs before I pay",
            ),
        ),
    },
    "Delivery": {
        "positive": (
            (
                "Arrived a day earlier than promised",
                "Came exactly in the time slot I had chosen",
                "From order to door it was quicker than I expected",
                "I could follow the van on the map and was home in time",
                "The driver rang half an hour before, as agreed",
            ),
            (
                "Two friendly people carried it up to the third floor",
                "Well packed, not a single scratch",
                "They took the packaging away with them",
                "Careful with the stairs and the walls",
                "Everything complete, down to the last screw",
            ),
        ),
        "neutral": (
            (
                "Arrived on the right day, just outside the time slot",
                "The box was dented, the contents were fine",
                "In two parcels on two days, but complete",
                "Left with a neighbour, I would have liked a message",
                "{days} days is all right, not fast",
            ),
        ),
        "negative": (
            (
                "{days} days late and no message at all",
                "I took a day off work and nobody came",
                "The date was moved three times",
                "Tracking said delivered while I was standing at an empty door",
                "The time slot was all day, which is impossible with small children",
            ),
            (
                "The box was torn and one leg is broken",
                "Left on the pavement in the rain",
                "The driver refused to carry it upstairs although we had paid for it",
                "Half of the order was missing",
                "The courier was rude on the phone",
            ),
        ),
    },
    "Return": {
        "positive": (
            (
                "Handed it in at the shop, done in {minutes} minutes",
                "The label was in the box, nothing to print",
                "No questions asked",
                "The pick-up was on the day I chose",
            ),
            (
                "Money was back within {days} days",
                "Got the refund before the parcel had even arrived",
                "The exchange was sent the same afternoon",
                "A message at every step, so I never wondered",
            ),
        ),
        "neutral": (
            (
                "Easy enough, but I had to print the label myself",
                "The refund came, a little later than promised",
                "Fine in the shop, less so by parcel",
                "I had to ask once, then it went quickly",
                "Works, though packing it again was a nuisance",
            ),
        ),
        "negative": (
            (
                "I had to pay for sending back your mistake",
                "Filled in three forms for one parcel",
                "The shop sent me home because I had ordered online",
                "Nobody came to pick it up, twice",
            ),
            (
                "Still waiting for my money after {days} days",
                "They kept part of the refund and called it a fee",
                "I was offered a voucher instead of my money",
                "No confirmation that you have received it",
            ),
        ),
    },
    "Support": {
        "positive": (
            (
                "An answer in {minutes} minutes, on a Sunday",
                "Hardly any waiting",
                "Got through at the first attempt",
                "Somebody was there at once",
            ),
            (
                "The missing part was on its way before we had finished talking",
                "Patient, polite and knew the product",
                "I explained it once and that was enough",
                "A real solution instead of excuses",
                "They rang back as promised",
            ),
        ),
        "neutral": (
            (
                "Friendly, but it took two contacts to solve it",
                "Helpful in the end, the wait was longish",
                "Got an answer, not quite to my question",
                "Half of it is solved, half is still open",
                "Correct, if a little like read from a script",
            ),
        ),
        "negative": (
            (
                "Waited {long_minutes} minutes and then the line went dead",
                "Passed on to four different people",
                "Nobody rang back, although it was promised twice",
                "The menu before you reach a person never ends",
            ),
            (
                "Each time I was told something different",
                "They read out the terms instead of helping",
                "My case was closed without an answer",
                "The person had no idea of my order",
            ),
        ),
    },
}

CLOSINGS = {
    "positive": (
        "Thank you!",
        "Will order again.",
        "Keep it up.",
        "Very pleased.",
        "No complaints at all.",
        "Could not be better.",
        "Good experience.",
        "Exactly how it should be.",
    ),
    "neutral": (
        "All in all okay.",
        "Room for improvement.",
        "We will see next time.",
        "It was all right.",
        "Not bad, not great.",
    ),
    "negative": (
        "Very disappointed.",
        "Next time I will buy elsewhere.",
        "Please sort this out.",
        "It used to be better.",
        "Never again.",
        "I expected more from you.",
        "A pity, because I like the products.",
        "Not good enough.",
    ),
}
