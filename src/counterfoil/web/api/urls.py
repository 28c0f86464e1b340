"""Every address of the API, and its OpenAPI document."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from counterfoil.web.access import PUBLIC, page
from counterfoil.web.api import acting, mending, reading
from counterfoil.web.api.openapi import document

ENDPOINTS = (*reading.ENDPOINTS, *acting.ENDPOINTS, *mending.ENDPOINTS)


@page(PUBLIC)
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The document; it says nothing about anybody's data, so it is open to all."""
    return HttpResponse(document(ENDPOINTS), content_type="application/json")


urlpatterns = [path("openapi.json", openapi, name="api_openapi"), *(endpoint.route() for endpoint in ENDPOINTS)]
