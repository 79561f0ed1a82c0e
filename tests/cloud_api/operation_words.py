"""What the tests of operations call with."""

from typing import Any

PHONE, WABA = "222000222000222", "111000111000111"

SIGNUP: dict[str, Any] = {
    "signup_message": "Get offers",
    "confirmation_message": "Welcome",
    "privacy_policy_url": "https://shop.example/privacy",
}
