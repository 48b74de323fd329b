//! Providers by name. Each is a description that anyone could write with the builder.

use std::time::Duration;

use super::{Part, PublicUrl, Scheme, SchemeBuilder, Signature, Source};
use crate::{Encoding, Hash, Unit};

/// A description of ours, which a test builds.
fn known(builder: SchemeBuilder) -> Scheme {
    match builder.build() {
        Ok(scheme) => scheme,
        Err(error) => unreachable!("{error}"),
    }
}

impl Scheme {
    /// GitHub: `X-Hub-Signature-256: sha256=` and the HMAC-SHA256 of the body as 64 lowercase
    /// hexadecimal digits.
    ///
    /// The older `X-Hub-Signature` with SHA-1 is never looked at, so that a request can't choose
    /// the weaker one. Neither a time nor the id is signed.
    #[must_use]
    pub fn github() -> Self {
        known(
            Self::hmac("github", Hash::Sha256)
                .signature(Signature::header("X-Hub-Signature-256").prefix("sha256="))
                .event(Source::header("X-GitHub-Event"))
                .id(Source::header("X-GitHub-Delivery")),
        )
    }

    /// Standard Webhooks, version `v1`: `webhook-signature` holds `v1,` and the HMAC-SHA256 in
    /// base 64, one or several, over id, timestamp (seconds, 300 s of tolerance) and body with dots
    /// between them. Its secrets are read with [`Secret::standard_webhooks`].
    ///
    /// [`Secret::standard_webhooks`]: crate::Secret::standard_webhooks
    #[must_use]
    pub fn standard_webhooks() -> Self {
        known(dotted("standard-webhooks", "webhook-"))
    }

    /// Svix: [Standard Webhooks](Self::standard_webhooks) under `svix-` or `webhook-`, but not
    /// under both in one request.
    #[must_use]
    pub fn svix() -> Self {
        known(dotted("svix", "svix-").or_prefix("svix-", "webhook-"))
    }

    /// Standard Webhooks, version `v1a`: Ed25519 in the place of the HMAC (feature `ed25519`). Its
    /// keys are read with [`PublicKey::standard_webhooks`](crate::PublicKey::standard_webhooks).
    #[cfg(feature = "ed25519")]
    #[must_use]
    pub fn standard_webhooks_v1a() -> Self {
        known(dotted_with(
            Self::ed25519("standard-webhooks-v1a"),
            "webhook-",
            "v1a,",
        ))
    }

    /// Discord: `X-Signature-Ed25519`, in hexadecimal, over the timestamp in
    /// `X-Signature-Timestamp` (seconds, 300 s of tolerance) and the body (feature `ed25519`).
    #[cfg(feature = "ed25519")]
    #[must_use]
    pub fn discord() -> Self {
        known(
            Self::ed25519("discord")
                .signature(Signature::header("X-Signature-Ed25519"))
                .timestamp(Source::header("X-Signature-Timestamp"), Unit::Seconds)
                .signed([Part::Timestamp, Part::Body]),
        )
    }

    /// Stripe: `Stripe-Signature` holds `t=` with the timestamp (seconds, 300 s of tolerance) and
    /// `v1=` with the HMAC-SHA256 in hexadecimal, over timestamp, dot and body. The secret is used
    /// as it is shown, `whsec_` included.
    #[must_use]
    pub fn stripe() -> Self {
        known(
            Self::hmac("stripe", Hash::Sha256)
                .signature(Signature::header("Stripe-Signature").pairs(',', '=', "v1"))
                .timestamp(Source::pair("t"), Unit::Seconds)
                .signed([Part::Timestamp, Part::literal("."), Part::Body]),
        )
    }

    /// Slack: `X-Slack-Signature: v0=` and the HMAC-SHA256 in hexadecimal, over `v0:`, the
    /// timestamp in `X-Slack-Request-Timestamp` (seconds, 300 s of tolerance), a colon and the
    /// body.
    #[must_use]
    pub fn slack() -> Self {
        known(
            Self::hmac("slack", Hash::Sha256)
                .signature(Signature::header("X-Slack-Signature").prefix("v0="))
                .timestamp(Source::header("X-Slack-Request-Timestamp"), Unit::Seconds)
                .signed([
                    Part::literal("v0:"),
                    Part::Timestamp,
                    Part::literal(":"),
                    Part::Body,
                ]),
        )
    }

    /// Zoom: like [Slack](Self::slack), in `x-zm-signature` and `x-zm-request-timestamp`.
    #[must_use]
    pub fn zoom() -> Self {
        known(
            Self::hmac("zoom", Hash::Sha256)
                .signature(Signature::header("x-zm-signature").prefix("v0="))
                .timestamp(Source::header("x-zm-request-timestamp"), Unit::Seconds)
                .signed([
                    Part::literal("v0:"),
                    Part::Timestamp,
                    Part::literal(":"),
                    Part::Body,
                ]),
        )
    }

    /// Shopify: `X-Shopify-Hmac-SHA256`, in base 64, over the body.
    #[must_use]
    pub fn shopify() -> Self {
        known(
            over_body(
                "shopify",
                Hash::Sha256,
                "X-Shopify-Hmac-SHA256",
                Encoding::Base64,
            )
            .event(Source::header("X-Shopify-Topic"))
            .id(Source::header("X-Shopify-Webhook-Id")),
        )
    }

    /// Linear: `Linear-Signature`, in hexadecimal, over the body, which holds a timestamp of its
    /// own (`webhookTimestamp` in milliseconds, 60 s of tolerance).
    #[must_use]
    pub fn linear() -> Self {
        known(
            over_body("linear", Hash::Sha256, "Linear-Signature", Encoding::Hex)
                .event(Source::header("Linear-Event"))
                .id(Source::header("Linear-Delivery"))
                .timestamp(Source::json("/webhookTimestamp"), Unit::Milliseconds)
                .tolerance(Duration::from_secs(60)),
        )
    }

    /// Square: `x-square-hmacsha256-signature`, in base 64, over the URL the endpoint is registered
    /// under and the body.
    #[must_use]
    pub fn square(url: impl Into<PublicUrl>) -> Self {
        let signature = Signature::header("x-square-hmacsha256-signature");
        known(
            Self::hmac("square", Hash::Sha256)
                .signature(signature.encoding(Encoding::Base64))
                .url(url)
                .signed([Part::Url, Part::Body]),
        )
    }

    /// Twilio: `X-Twilio-Signature`, the HMAC-SHA1 in base 64 over the URL, with or without its
    /// port, and the sorted fields of a form. A body that is no form has to have the SHA-256 that
    /// the URL names in `bodySHA256`.
    ///
    /// Give the URL with [`PublicUrl::origin`] unless it has no query or always the same.
    #[must_use]
    pub fn twilio(url: impl Into<PublicUrl>) -> Self {
        let signature = Signature::header("X-Twilio-Signature");
        known(
            Self::hmac("twilio", Hash::Sha1)
                .signature(signature.encoding(Encoding::Base64))
                .url(url.into().any_port())
                .signed([Part::Url, Part::SortedForm])
                .body_digest(
                    Source::query("bodySHA256"),
                    "{}",
                    Hash::Sha256,
                    Encoding::Hex,
                ),
        )
    }

    /// GoCardless: `Webhook-Signature`, in hexadecimal, over the body.
    #[must_use]
    pub fn gocardless() -> Self {
        known(over_body(
            "gocardless",
            Hash::Sha256,
            "Webhook-Signature",
            Encoding::Hex,
        ))
    }

    /// Razorpay: `X-Razorpay-Signature`, in hexadecimal, over the body.
    #[must_use]
    pub fn razorpay() -> Self {
        known(
            over_body(
                "razorpay",
                Hash::Sha256,
                "X-Razorpay-Signature",
                Encoding::Hex,
            )
            .id(Source::header("X-Razorpay-Event-Id")),
        )
    }

    /// Coinbase Commerce: `X-CC-Webhook-Signature`, in hexadecimal, over the body.
    #[must_use]
    pub fn coinbase_commerce() -> Self {
        known(over_body(
            "coinbase-commerce",
            Hash::Sha256,
            "X-CC-Webhook-Signature",
            Encoding::Hex,
        ))
    }

    /// Convoy, simple signatures: `X-Convoy-Signature` over the body, with the hash and the
    /// encoding its project is set to.
    #[must_use]
    pub fn convoy_simple(hash: Hash, encoding: Encoding) -> Self {
        known(over_body("convoy", hash, "X-Convoy-Signature", encoding))
    }

    /// Convoy, advanced signatures: `X-Convoy-Signature` holds `t=` with the timestamp (seconds,
    /// 300 s of tolerance) and `v1=` with the signature over timestamp, comma and body, with the
    /// hash and the encoding its project is set to.
    #[must_use]
    pub fn convoy_advanced(hash: Hash, encoding: Encoding) -> Self {
        let signature = Signature::header("X-Convoy-Signature").pairs(',', '=', "v1");
        known(
            Self::hmac("convoy", hash)
                .signature(signature.encoding(encoding))
                .timestamp(Source::pair("t"), Unit::Seconds)
                .signed([Part::Timestamp, Part::literal(","), Part::Body]),
        )
    }

    /// Paddle Billing: `Paddle-Signature` holds `ts=` with the timestamp (seconds, 5 s of
    /// tolerance) and `h1=` with the HMAC-SHA256 in hexadecimal, over timestamp, colon and body.
    #[must_use]
    pub fn paddle() -> Self {
        known(
            Self::hmac("paddle", Hash::Sha256)
                .signature(Signature::header("Paddle-Signature").pairs(';', '=', "h1"))
                .timestamp(Source::pair("ts"), Unit::Seconds)
                .tolerance(Duration::from_secs(5))
                .signed([Part::Timestamp, Part::literal(":"), Part::Body]),
        )
    }

    /// `PagerDuty` (webhooks v3): `X-PagerDuty-Signature` holds `v1=` and the HMAC-SHA256 of the
    /// body in hexadecimal, one or several with commas between them.
    #[must_use]
    pub fn pagerduty() -> Self {
        known(
            Self::hmac("pagerduty", Hash::Sha256)
                .signature(
                    Signature::header("X-PagerDuty-Signature")
                        .prefix("v1=")
                        .list(','),
                )
                .id(Source::header("X-Webhook-Id")),
        )
    }

    /// Sentry: `Sentry-Hook-Signature`, in hexadecimal, over the body.
    #[must_use]
    pub fn sentry() -> Self {
        known(
            over_body(
                "sentry",
                Hash::Sha256,
                "Sentry-Hook-Signature",
                Encoding::Hex,
            )
            .event(Source::header("Sentry-Hook-Resource"))
            .id(Source::header("Request-ID")),
        )
    }

    /// Twitch: `Twitch-Eventsub-Message-Signature: sha256=`, in hexadecimal, over id, timestamp (RFC
    /// 3339, 600 s of tolerance) and body, nothing between them.
    #[must_use]
    pub fn twitch() -> Self {
        let header = |name: &str| format!("Twitch-Eventsub-{name}");
        let signature = Signature::header(header("Message-Signature"));
        known(
            Self::hmac("twitch", Hash::Sha256)
                .signature(signature.prefix("sha256="))
                .id(Source::header(header("Message-Id")))
                .event(Source::header(header("Subscription-Type")))
                .timestamp(Source::header(header("Message-Timestamp")), Unit::Rfc3339)
                .tolerance(Duration::from_secs(600))
                .signed([Part::Id, Part::Timestamp, Part::Body]),
        )
    }

    /// `HubSpot` v3: `X-HubSpot-Signature-v3`, in base 64, over method, URL, body and the timestamp in
    /// `X-HubSpot-Request-Timestamp` (milliseconds, 300 s of tolerance).
    #[must_use]
    pub fn hubspot_v3(url: impl Into<PublicUrl>) -> Self {
        let signature = Signature::header("X-HubSpot-Signature-v3").encoding(Encoding::Base64);
        known(
            Self::hmac("hubspot", Hash::Sha256)
                .signature(signature)
                .url(url)
                .timestamp(
                    Source::header("X-HubSpot-Request-Timestamp"),
                    Unit::Milliseconds,
                )
                .signed([Part::Method, Part::Url, Part::Body, Part::Timestamp]),
        )
    }
}

fn over_body(
    name: &'static str,
    hash: Hash,
    header: &'static str,
    encoding: Encoding,
) -> SchemeBuilder {
    Scheme::hmac(name, hash).signature(Signature::header(header).encoding(encoding))
}

fn dotted(name: &'static str, headers: &str) -> SchemeBuilder {
    dotted_with(Scheme::hmac(name, Hash::Sha256), headers, "v1,")
}

/// Standard Webhooks under any name, with any algorithm.
fn dotted_with(builder: SchemeBuilder, headers: &str, version: &str) -> SchemeBuilder {
    let signature = Signature::header(format!("{headers}signature"));
    builder
        .signature(
            signature
                .prefix(version)
                .encoding(Encoding::Base64)
                .list(' '),
        )
        .id(Source::header(format!("{headers}id")))
        .timestamp(Source::header(format!("{headers}timestamp")), Unit::Seconds)
        .signed([
            Part::Id,
            Part::literal("."),
            Part::Timestamp,
            Part::literal("."),
            Part::Body,
        ])
}
