"""Every address of the console. A return's own address ends with its key: brand, portal and the portal's id."""

from __future__ import annotations

from allauth.account import urls as account_urls
from django.urls import include, path

from counterfoil.web import errors
from counterfoil.web.pages import (
    act,
    approvals,
    audit,
    case,
    close,
    connections,
    policy,
    preferences,
    problems,
    returns,
    scorecard,
    today,
)

ACCOUNT = [route for route in account_urls.urlpatterns if route.name != "account_reset_password"]
"""The account package's addresses. Without mail there is no reset; leaving it out also takes its link away."""

urlpatterns = [
    path("", today.today, name="today"),
    path("returns", returns.returns_list, name="returns"),
    path("returns.csv", returns.returns_csv, name="returns_csv"),
    path("returns.json", returns.returns_json, name="returns_json"),
    path("returns/changed", returns.changed, name="returns_changed"),
    path("returns/<path:case_id>", case.return_page, name="return"),
    path("problems", problems.problems_list, name="problems"),
    path("problems.csv", problems.problems_csv, name="problems_csv"),
    path("problems.json", problems.problems_json, name="problems_json"),
    path("problems/retry", act.retry, name="act_retry"),
    path("problems/accept", act.accept, name="act_accept"),
    path("problems/settle", act.settle, name="act_settle"),
    path("problems/resolve", act.resolve, name="act_resolve"),
    path("approvals", approvals.approvals_page, name="approvals"),
    path("approvals/answer", approvals.answer, name="approve"),
    path("connections", connections.connections_page, name="connections"),
    path("connections/pause", connections.pause, name="connection_pause"),
    path("connections/resume", connections.resume, name="connection_resume"),
    path("connections/requeue", connections.requeue, name="delivery_requeue"),
    path("audit", audit.audit_page, name="audit"),
    path("policies", policy.policies_list, name="policies"),
    path("policies/<str:brand>/<str:portal>", policy.policy_page, name="policy"),
    path("scorecard", scorecard.scorecard_page, name="scorecard"),
    path("scorecard.csv", scorecard.scorecard_csv, name="scorecard_csv"),
    path("scorecard.json", scorecard.scorecard_json, name="scorecard_json"),
    path("close", close.close_page, name="close"),
    path("close/<str:period>.<str:form>", close.close_file, name="close_file"),
    path("theme", preferences.theme, name="theme"),
    path("account/", include(ACCOUNT)),
    path("account/mfa/", include("allauth.mfa.urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
