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
    causes,
    connections,
    edit,
    policy,
    preferences,
    problem,
    problems,
    proof,
    proof_item,
    returns,
    today,
    views,
    words,
)

ACCOUNT = [route for route in account_urls.urlpatterns if route.name != "account_reset_password"]
"""The account package's addresses. Without mail there is no reset; leaving it out also takes its link away."""

urlpatterns = [
    path("", today.today, name="today"),
    path("returns", returns.returns_list, name="returns"),
    path("returns.csv", returns.returns_csv, name="returns_csv"),
    path("returns.json", returns.returns_json, name="returns_json"),
    path("returns/changed", returns.changed, name="returns_changed"),
    path("returns/edit", edit.edit_page, name="step_edit"),
    path("returns/edited", edit.send, name="step_edited"),
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
    path("problems/assign", problem.assign, name="problem_assign"),
    path("problems/snooze", problem.snooze, name="problem_snooze"),
    path("problems/wake", problem.wake, name="problem_wake"),
    path("problems/reopen", problem.reopen, name="problem_reopen"),
    path("problems/<int:problem_id>", problem.problem_page, name="problem"),
    path("problems/<int:problem_id>/comment", problem.comment, name="problem_comment"),
    path("causes", causes.causes_list, name="causes"),
    path("causes/one", causes.cause_page, name="cause"),
    path("causes/foresee", causes.foresee, name="cause_foresee"),
    path("causes/mend", causes.mend, name="cause_mend"),
    path("causes/replay", causes.replay, name="cause_replay"),
    path("runs/<int:run_id>", causes.run_page, name="run"),
    path("mappings", words.mappings_page, name="mappings"),
    path("mappings.csv", words.words_csv, name="mappings_csv"),
    path("mappings.xlsx", words.words_xlsx, name="mappings_xlsx"),
    path("mappings.json", words.words_json, name="mappings_json"),
    path("mappings/change", words.change, name="mapping_change"),
    path("mappings/decide", words.decide, name="mapping_decide"),
    path("mappings/undo", words.undo, name="mapping_undo"),
    path("mappings/upload", words.upload, name="mapping_upload"),
    path("mappings/take-in", words.take_in, name="mapping_take_in"),
    path("views/keep", views.keep, name="view_keep"),
    path("views/drop", views.drop, name="view_drop"),
    path("connections", connections.connections_page, name="connections"),
    path("connections/pause", connections.pause, name="connection_pause"),
    path("connections/resume", connections.resume, name="connection_resume"),
    path("connections/requeue", connections.requeue, name="delivery_requeue"),
    path("proof", proof.proof_page, name="proof"),
    path("proof.csv", proof.proof_csv, name="proof_csv"),
    path("proof.xlsx", proof.proof_xlsx, name="proof_xlsx"),
    path("proof/items", proof.items_list, name="proof_items"),
    path("proof/items.csv", proof.items_csv, name="proof_items_csv"),
    path("proof/items.xlsx", proof.items_xlsx, name="proof_items_xlsx"),
    path("proof/items.json", proof.items_json, name="proof_items_json"),
    path("proof/item", proof_item.item_page, name="proof_item"),
    path("proof/item/match", proof_item.match, name="proof_match"),
    path("proof/item/reject", proof_item.reject, name="proof_reject"),
    path("proof/item/write-off", proof_item.write_off, name="proof_write_off"),
    path("proof/item/adopt", proof_item.adopt, name="proof_adopt"),
    path("proof/item/comment", proof_item.comment, name="proof_comment"),
    path("proof/proposed", proof.proposed, name="proof_proposed"),
    path("proof/decisions", proof.decisions, name="proof_decisions"),
    path("proof/decisions/move", proof_item.move, name="proof_decision_move"),
    path("deliveries", connections.deliveries, name="deliveries"),
    path("deliveries/<int:delivery_id>", connections.delivery, name="delivery"),
    path("audit", audit.audit_page, name="audit"),
    path("policies", policy.policies_list, name="policies"),
    path("policies/<str:brand>/<str:portal>", policy.policy_page, name="policy"),
    path("theme", preferences.theme, name="theme"),
    path("account/", include(ACCOUNT)),
    path("account/mfa/", include("allauth.mfa.urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
