"""What follows when people, companies or deals are merged (read by ``crm.records.services.merging``)."""

from crm.records.services.merging import moves, stays

moves("customers.Customer", "sales.Deal.customer")
moves("customers.Customer", "sales.DealContact.customer", unique=("deal",))
moves("customers.Company", "sales.Deal.company")
moves("sales.Deal", "sales.DealProduct.deal")
moves("sales.Deal", "sales.DealContact.deal", unique=("customer",))
moves("sales.Deal", "sales.DealUserShare.content_object", unique=("user", "permission"))
moves("sales.Deal", "sales.DealTeamShare.content_object", unique=("group", "permission"))
stays("sales.Deal", "sales.StageChange.deal")
