"""Requests and answers that the API's pages show; the tests hold them against the service."""

from __future__ import annotations

from typing import Any

REQUEST: dict[str, Any] = {
    "customer_id": "1228",
    "kind": "coupon",
    "channels": ["direct_mail"],
    "limit": 3,
    "explain": "funnel",
}
SHORTEST_REQUEST: dict[str, Any] = {"customer_id": "1228"}

DECISION_ID = "015f3a1b-9c00-7abc-9def-0123456789ab"
PROBLEM: dict[str, Any] = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "The request is well-formed JSON, but not what this call takes: /limit: Input should be less than or "
    "equal to 100.",
    "code": "invalid_request",
    "request_id": "0b7c1a52f3e94d0e8a6f",
    "errors": [{"pointer": "/limit", "detail": "Input should be less than or equal to 100"}],
}
ANSWER: dict[str, Any] = {
    "decision_id": DECISION_ID,
    "customer_id": "1228",
    "kind": "coupon",
    "decided_at": "2017-11-15T05:00:00Z",
    "valid_until": "2017-11-15T06:00:00Z",
    "currency": "USD",
    "items": [
        {
            "rank": 1,
            "offer_id": "coupon-18-yogurt",
            "name": "Coupon: yogurt (campaign 18)",
            "category": "yogurt",
            "channel": "direct_mail",
            "importance": "promotional",
            "moment": "2017-11-15T05:00:00Z",
            "contact_id": f"{DECISION_ID}-1",
            "confirm_before": "2017-11-15T06:00:00Z",
            "alternative": False,
            "probability": 0.83,
            "score_minor": 21.6,
            "incremental_value_minor": 21.6,
            "components": {
                "margin_minor": 81.0,
                "incentive_minor": -8.4,
                "unnoticed_incentive_minor": 0.0,
                "contact_cost_minor": -50.0,
                "attention_minor": -1.0,
                "weighting_minor": 0.0,
                "lever_minor": 0.0,
                "scarcity_minor": 0.0,
            },
            "probabilities": {"noticed": None, "taken": 0.14, "bought": 0.41, "organic": 0.31},
            "evidence": {"contacts": 0.0, "similar_contacts": 812.0},
            "reasons": ["Buys yogurt: last time 3 days ago, 4% of all purchases."],
        }
    ],
    "placements": [],
    "silence": {
        "score_minor": 0.0,
        "wins": False,
        "reason": "Coupon: yogurt is worth more than saying nothing.",
        "probability": 0.95,
    },
    "preferred_channel": "direct_mail",
    "preference_declared": False,
    "group": "learnt",
    "attempts": 1,
    "channels": [{"channel": "direct_mail", "score_minor": 21.6, "offer_id": "coupon-18-yogurt", "noticed": None}],
    "open_topics": [
        {
            "topic": "basket",
            "about": "yogurt",
            "channel": "store",
            "since": "2017-11-14T18:00:00Z",
            "strength": 0.899,
            "sentence": "resume the basket (yogurt) begun on store",
        }
    ],
    "removed": [
        {"rule": "no_longer_valid", "meaning": "The offer's validity is over.", "pairs": 411},
        {
            "rule": "audience",
            "meaning": "The offer is only for customers who were sent another one first.",
            "pairs": 190,
        },
    ],
    "funnel": {
        "considered": 602,
        "eligible": 1,
        "below_silence": [],
        "removed": [
            {
                "offer_id": "coupon-19-cheese",
                "channel": "direct_mail",
                "rule": "audience",
                "value": "was never sent campaign-19",
            }
        ],
    },
    "cold_start": False,
    "personalised": True,
    "fallback": False,
    "fallback_reasons": [],
    "warnings": [],
    "limits": ["There are no opens or clicks: whether a contact was noticed is not known on any channel."],
    "recorded": True,
    "versions": {
        "model": "3",
        "schema": "9f1c2d3e4b5a6978",
        "catalogue": "4be1c07f",
        "policy": "",
        "service": "0.1.0",
    },
    "timings_ms": {"read": 0.3, "eligibility": 1.2, "features": 1.1, "score": 1.9, "rank": 0.2, "total": 5.1},
}
