"""Invented names: nobody and nothing here exists. Every address ends in ``.example``."""

TEAM = (
    # code, first name, last name, role, team, department
    ("admin", "Alma", "Berg", "ADMIN", None, "Operations"),
    ("manager", "Ines", "Duarte", "SALES_MANAGER", "North", "Sales"),
    ("manager2", "Tomás", "Rivera", "SALES_MANAGER", "South", "Sales"),
    ("rep", "Priya", "Nair", "SALES_REP", "North", "Sales"),
    ("rep2", "Jonas", "Weber", "SALES_REP", "South", "Sales"),
    ("support", "Mei", "Tanaka", "SUPPORT", None, "Customer support"),
    ("marketing", "Ola", "Lindqvist", "MARKETING", None, "Marketing"),
    ("readonly", "Samir", "Haddad", "READ_ONLY", None, "Finance"),
)

COMPANIES = (
    # name, domain, industry, employees, city, country, parent
    ("Northgate Robotics", "northgate-robotics", "Manufacturing", 740, "Rotterdam", "NL", ""),
    ("Orchard & Vine Foods", "orchardvine", "Food", 2300, "Lyon", "FR", ""),
    ("Kestrel Logistics", "kestrel-logistics", "Logistics", 1150, "Antwerp", "BE", ""),
    ("Aster Health Network", "asterhealth", "Healthcare", 5400, "Hamburg", "DE", ""),
    ("Aster Clinics South", "asterclinics", "Healthcare", 860, "Munich", "DE", "Aster Health Network"),
    ("Aster Laboratories", "asterlabs", "Healthcare", 310, "Bremen", "DE", "Aster Health Network"),
    ("Brightwater Energy", "brightwater", "Energy", 1900, "Aberdeen", "GB", ""),
    ("Brightwater Grid", "brightwatergrid", "Energy", 420, "Leeds", "GB", "Brightwater Energy"),
    ("Cobalt Freight", "cobaltfreight", "Logistics", 680, "Gdańsk", "PL", ""),
    ("Tideline Insurance", "tideline", "Insurance", 3100, "Dublin", "IE", ""),
    ("Vantage Biolabs", "vantagebio", "Life science", 240, "Basel", "CH", ""),
    ("Quarry Build Group", "quarrybuild", "Construction", 1500, "Vienna", "AT", ""),
    ("Juniper Retail Co.", "juniperretail", "Retail", 4200, "Madrid", "ES", ""),
    ("Juniper Home", "juniperhome", "Retail", 610, "Valencia", "ES", "Juniper Retail Co."),
    ("Halden Marine", "haldenmarine", "Maritime", 190, "Halden", "NO", ""),
    ("Redwood Legal", "redwoodlegal", "Legal", 95, "Munich", "DE", ""),
    ("Papershore Studio", "papershore", "Media", 28, "Tallinn", "EE", ""),
    ("Meridian Optics", "meridianoptics", "Manufacturing", 520, "Porto", "PT", ""),
    ("Sable Security", "sablesec", "Software", 140, "Zürich", "CH", ""),
    ("Lumen Hospitality", "lumenhotels", "Hospitality", 2600, "Athens", "GR", ""),
    ("Ardent Ceramics", "ardent", "Manufacturing", 310, "Malmö", "SE", ""),
    ("Bellweather Rail", "bellweather", "Transport", 3800, "Ghent", "BE", ""),
    ("Corvid Analytics", "corvid", "Software", 75, "Berlin", "DE", ""),
    ("Dovetail Joinery", "dovetail", "Manufacturing", 64, "Cork", "IE", ""),
    ("Elmstead Dairy", "elmstead", "Food", 430, "Leeuwarden", "NL", ""),
    ("Foundry Nine", "foundrynine", "Manufacturing", 880, "Turin", "IT", ""),
    ("Glasswing Aero", "glasswing", "Aerospace", 1700, "Toulouse", "FR", ""),
    ("Hollis Packaging", "hollis", "Manufacturing", 260, "Derby", "GB", ""),
    ("Ironbark Tools", "ironbark", "Manufacturing", 350, "Oslo", "NO", ""),
    ("Jetty Foods", "jettyfoods", "Food", 120, "Porto", "PT", ""),
    ("Kiln Street Bakeries", "kilnstreet", "Food", 85, "York", "GB", ""),
    ("Larkspur Textiles", "larkspur", "Manufacturing", 540, "Łódź", "PL", ""),
    ("Mosaic Learning", "mosaiclearning", "Education", 210, "Helsinki", "FI", ""),
    ("Nimbus Cold Chain", "nimbuscold", "Logistics", 470, "Aarhus", "DK", ""),
    ("Oakhurst Property", "oakhurst", "Real estate", 150, "Edinburgh", "GB", ""),
    ("Pillar Engineering", "pillareng", "Construction", 690, "Graz", "AT", ""),
)

FIRST_NAMES = (
    "Hana", "Bram", "Sjoerd", "Luc", "Emi", "Joana", "Pia", "Nils", "Marta", "Anton", "Clara", "Dario", "Elif", "Finn", "Greta",
    "Hugo", "Irina", "Jasper", "Katja", "Leon", "Maeve", "Noor", "Oscar", "Paulina", "Quentin", "Rania", "Stefan", "Tove",
    "Umberto", "Vera", "Wim", "Yara", "Zoltán", "Aoife", "Benoît", "Chiara", "Dmitri", "Eszter", "Fatima", "Gustav", "Helena",
    "Ilya", "Jelena", "Karim", "Lotte", "Mateo", "Nadia", "Øyvind", "Petra", "Ronan", "Sofia", "Tariq", "Ulla", "Viktor",
)
LAST_NAMES = (
    "Okafor", "Visser", "de Wit", "Martin", "Sato", "Reis", "Lund", "Falk", "Kowalska", "Petrov", "Hansen", "Moretti", "Demir",
    "Keller", "Sørensen", "Lefèvre", "Novák", "van Dijk", "Schneider", "Murphy", "Haddou", "Ferreira", "Nowak", "Bianchi",
    "Johansson", "O’Brien", "Costa", "Fischer", "Papadakis", "Virtanen", "Horvat", "Jansen", "Dubois", "Larsen", "Ruiz",
    "Weiss", "Szabó", "Andersen", "Rossi", "Müller", "Byrne", "Peeters", "Navarro", "Krüger", "Mäkinen", "Silva", "Blom",
)
JOBS = (
    "Head of Operations", "CFO", "Plant engineer", "Procurement manager", "IT director", "Managing director", "COO",
    "Quality manager", "Sales director", "Logistics planner", "Project manager", "Head of digital", "Purchasing assistant",
)
SOURCES = ("Website", "Referral", "Trade fair", "Cold call", "Partner", "Newsletter")
TAGS = (("Key account", "violet"), ("Renewal", "amber"), ("Expansion", "teal"), ("Newsletter", "sky"), ("Champion", "green"))
PRODUCTS = (
    # code, name, family, price
    ("VIS-100", "Line vision starter", "Vision", 18_500),
    ("VIS-300", "Line vision professional", "Vision", 46_000),
    ("TRK-200", "Asset tracking", "Tracking", 12_800),
    ("TRK-500", "Fleet tracking", "Tracking", 29_400),
    ("SUP-GLD", "Gold support, one year", "Services", 9_600),
    ("SUP-PLT", "Platinum support, one year", "Services", 21_000),
    ("ANL-010", "Analytics seats, ten", "Analytics", 6_400),
    ("TRN-DAY", "Training day", "Services", 1_900),
)
PURPOSES = (
    "rollout", "pilot", "renewal", "phase 2", "three sites", "upgrade", "framework agreement", "new plant",
)
TOPICS = (
    "Scope and rollout dates", "Budget for the next quarter", "Security questionnaire", "Reference visit", "Pricing and terms",
    "Integration with the warehouse system", "Contract redlines", "Delivery schedule", "Feedback on the pilot", "Renewal",
)
SAID = (
    "They like the approach and want to see it at one site first. Next step is a short workshop.",
    "Budget is confirmed. Procurement asks for the security documents before the end of the week.",
    "Went through the offer line by line. Two open points: delivery dates and the acceptance test.",
    "The plant manager is on board, finance still has questions about the yearly price.",
    "Agreed on a pilot of six weeks with clear measures of success.",
    "They compare us with one other supplier. Our advantage is the time to go live.",
    "Good meeting on site. Five people, everyone wants to go on.",
    "No decision before the board meets next month. Keep in touch until then.",
)
TASKS = (
    ("Send the revised offer", "PROPOSAL"), ("Call about the open points", "FOLLOW_UP"), ("Prepare the demo", "DEMO"),
    ("Send references", "FOLLOW_UP"), ("Check the contract redlines", "CONTRACT"), ("Plan the site visit", "MEETING"),
    ("Answer the support question", "SUPPORT"), ("Agree on the next step", "FOLLOW_UP"),
)
ERRANDS = (
    # title, type, when
    ("Call about the delivery dates", "FOLLOW_UP", "late"),
    ("Ask for the signed order", "CONTRACT", "late"),
    ("Send the minutes of the meeting", "FOLLOW_UP", "today"),
    ("Prepare the quarterly review", "MEETING", "today"),
    ("Show the new reports", "DEMO", "today"),
    ("Answer the security questions", "SUPPORT", "today"),
    ("Write the proposal for phase two", "PROPOSAL", "soon"),
    ("Book the room for the workshop", "MEETING", "soon"),
    ("Read up on their new plant", "FOLLOW_UP", "none"),
)
