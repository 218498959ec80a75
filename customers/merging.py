"""What follows when people or companies are merged (read by ``crm.records.services.merging``)."""

from crm.records.services.merging import moves

CUSTOMER, COMPANY = "customers.Customer", "customers.Company"
ENDS = ("from_customer", "from_company", "to_customer", "to_company")

moves(CUSTOMER, "customers.CustomerContact.customer", unique=("kind", "value"), demote=("is_primary",))
moves(CUSTOMER, "customers.CustomerAddress.customer", demote=("is_primary",))
moves(CUSTOMER, "customers.CustomerUserShare.content_object", unique=("user", "permission"))
moves(CUSTOMER, "customers.CustomerTeamShare.content_object", unique=("group", "permission"))
moves(COMPANY, "customers.Customer.company")
moves(COMPANY, "customers.Company.parent")
moves(COMPANY, "customers.CompanyUserShare.content_object", unique=("user", "permission"))
moves(COMPANY, "customers.CompanyTeamShare.content_object", unique=("group", "permission"))
for to, kind in ((CUSTOMER, "customer"), (COMPANY, "company")):
    for end in ("from", "to"):
        path = f"customers.Relationship.{end}_{kind}"
        moves(to, path, unique=("kind",), nulls_equal=tuple(e for e in ENDS if e != f"{end}_{kind}"))
