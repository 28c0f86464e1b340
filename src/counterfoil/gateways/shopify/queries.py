"""The GraphQL we ask, and nothing we do not use (shop sheet §1, §3-§5): points are counted by what is asked for.

An order is read in pages of lines, and its refunds one by one, so that no single question comes near the limit of
1000 points. Addresses and other personal fields are never asked for.
"""

from __future__ import annotations

_BAG = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
_TAXES = f"""discountAllocations {{ allocatedAmountSet {_BAG} }}
    taxLines {{ priceSet {_BAG} }}"""
_TRANSACTION = f"""id kind status gateway authorizationCode processedAt createdAt
    parentTransaction {{ id }} amountSet {_BAG}"""

LINES_PAGE = 30
REFUNDS_MAX = 50
ORDERS_PAGE = 50

ORDER = f"""query Order($id: ID!, $after: String) {{
  order(id: $id) {{
    id legacyResourceId name createdAt updatedAt processedAt
    currencyCode presentmentCurrencyCode taxesIncluded
    lineItems(first: {LINES_PAGE}, after: $after) {{
      nodes {{ id sku title quantity isGiftCard customAttributes {{ key value }} originalUnitPriceSet {_BAG}
    {_TAXES} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
    shippingLines(first: 10) {{
      nodes {{ id originalPriceSet {_BAG}
    {_TAXES} }}
      pageInfo {{ hasNextPage }}
    }}
    refunds(first: {REFUNDS_MAX}) {{ id }}
    transactions(first: 50) {{ {_TRANSACTION} }}
  }}
}}"""

REFUND = f"""query Refund($id: ID!, $after: String) {{
  refund(id: $id) {{
    id legacyResourceId createdAt
    refundLineItems(first: {LINES_PAGE}, after: $after) {{
      nodes {{ quantity restockType lineItem {{ id }} subtotalSet {_BAG} totalTaxSet {_BAG} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
    refundShippingLines(first: 10) {{
      nodes {{ subtotalAmountSet {_BAG} taxAmountSet {_BAG} }}
      pageInfo {{ hasNextPage }}
    }}
    orderAdjustments(first: 20) {{
      nodes {{ reason amountSet {_BAG} taxAmountSet {_BAG} }}
      pageInfo {{ hasNextPage }}
    }}
    duties {{ amountSet {_BAG} }}
    transactions(first: 20) {{ nodes {{ {_TRANSACTION} }} pageInfo {{ hasNextPage }} }}
  }}
}}"""

ORDERS = f"""query Orders($query: String!, $after: String) {{
  orders(first: {ORDERS_PAGE}, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ id name updatedAt }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

SHOP = "query Shop { shop { id name myshopifyDomain currencyCode } }"
