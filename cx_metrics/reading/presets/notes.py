"""What a preset has to say, in sentences that can be translated; the files of the presets refer to them by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cx_metrics.texts import N_

EXPORTS: Mapping[str, str] = MappingProxyType(
    {
        "events": N_("events"),
        "visits": N_("visits"),
        "tickets": N_("tickets"),
        "contacts": N_("contacts"),
        "answers": N_("answers"),
        "report": N_("report"),
    }
)
CHECKED: Mapping[str, str] = MappingProxyType(
    {
        "real export": N_("Checked with a real export."),
        "documented header": N_("Written after the documented header, not yet checked with a real export."),
    }
)
NOTES: Mapping[str, str] = MappingProxyType(
    {
        "account_zone": N_(
            "Times are in the time zone of the account that made the export. Choose it if it is not that of "
            "the dataset."
        ),
        "counter_zone": N_("Times are in the time zone of the counter. Choose it if it is not that of the dataset."),
        "project_zone": N_("Times are in the time zone of the project. Choose it if it is not that of the dataset."),
        "microseconds": N_(
            "Times are microseconds since 1970, in UTC. People who logged in on several devices have one "
            "number for each."
        ),
        "matomo_visits": N_(
            "Each visit is a contact, and each action in it where the export lists them. Visitors without a "
            "user id are known by their browser."
        ),
        "amplitude": N_("Times are in UTC. The session -1 stands for events outside of any session."),
        "technical_events": N_(
            "Events whose names begin with $ are recorded by the tool itself; leave out what is no contact."
        ),
        "segment_clocks": N_(
            "Of the clocks in the file the corrected one counts, not that of the device and not that of the arrival."
        ),
        "hubspot_feedback": N_(
            "Surveys of several kinds share one column of ratings: the kind of each survey is told by its name "
            "and its highest rating."
        ),
        "hubspot_lifecycle": N_("Each date of a contact is taken as a touchpoint. Dates of the last change are none."),
        "hubspot_contacts": N_("The lifecycle stage is taken as the segment."),
        "zendesk_satisfaction": N_(
            "Good counts 1 and bad 0; tickets without a rating are missing answers. The same file holds the "
            "times of the tickets: add it once more as touchpoints."
        ),
        "zendesk_tickets": N_(
            "Each ticket was created, assigned and solved at times of its own. The same file may hold ratings: "
            "add it once more as answers."
        ),
        "intercom": N_("Conversations without a rating are missing answers."),
        "intercom_messages": N_("Messages of teammates are in the file too, under their own ids."),
        "qualtrics": N_(
            "Previews, tests and spam are left out. The value -99 stands for a question that was seen and not answered."
        ),
        "typeform": N_(
            "Times are in UTC. A scale from 0 to 10 is NPS only if it asks how likely people are to recommend you."
        ),
        "google_forms": N_(
            "Times are in the time zone of the form. Boxes that were ticked stand together in one cell and are "
            "told apart."
        ),
        "delighted": N_("The kind of survey stands in each row and decides on the scale."),
        "limesurvey": N_(
            "Answers may be codes (A1, A2): A1 is taken for the lowest. Turn the scale round if it is the best."
        ),
        "help_scout": N_("Faces and words are read as 1 to 3: not good, okay, great."),
        "gsa_a11": N_("Question 1 is the score of trust; what went well and what could be better are choices."),
        "yandex_visits": N_("Each visit is a contact, in the channel of its last traffic source."),
        "event_log": N_(
            "Each case stands for a customer. An activity that is written down at its start and at its end "
            "would count twice."
        ),
    }
)
# What to export instead of a report that has neither customers nor events.
INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "ga4": N_(
            "{file} is a report of Google Analytics 4: numbers added up, without customers and events. Export "
            "the events instead (Admin, Product links, BigQuery), as CSV with user_pseudo_id, event_name and "
            "event_timestamp."
        ),
        "matomo": N_(
            "{file} is a report of Matomo: numbers added up, without visitors and actions. Export the visits "
            "log instead (Visitors, Visits log, Export, or the API Live.getLastVisitsDetails)."
        ),
        "yandex": N_(
            "{file} is a report of Yandex Metrica: numbers added up, without visitors and visits. Export "
            "visits or hits through the Logs API instead, with ym:s:clientID and ym:s:dateTime."
        ),
    }
)
