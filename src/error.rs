//! The product's one error. It has two messages: `detail` for the client, `log` for the operator.
//! A secret, a statement or a stack never gets into the first.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A kind of problem: a stable `type` (RFC 9457 §3.1.1), its status and its title. docs/api.md describes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    pub slug: &'static str,
    pub status: u16,
    pub title: &'static str,
}

macro_rules! problems {
    ($($name:ident = $status:literal $slug:literal $title:literal;)+) => {
        $(pub const $name: Problem = Problem { slug: $slug, status: $status, title: $title };)+
        /// Every kind there is, in the order of their status.
        pub const ALL_PROBLEMS: &[Problem] = &[$($name),+];
    };
}

problems! {
    REVOCATION_PENDING = 202 "revocation-pending" "The sessions have ended, but not every replica has said so yet";
    INVALID_REQUEST = 400 "invalid-request" "The request is not valid";
    NOT_SIGNED_IN = 401 "not-signed-in" "Sign in first";
    SESSION_ENDED = 401 "session-ended" "This session has ended";
    INVALID_CREDENTIALS = 401 "invalid-credentials" "These credentials are not accepted";
    FORBIDDEN = 403 "forbidden" "You may not do this";
    CSRF = 403 "csrf" "The request came from another site";
    REAUTHENTICATION_REQUIRED = 403 "reauthentication-required" "Confirm that it is you first";
    IP_NOT_ALLOWED = 403 "ip-not-allowed" "Your network address is not allowed";
    SSO_REQUIRED = 403 "sso-required" "Sign in with single sign-on";
    NOT_FOUND = 404 "not-found" "There is no such thing";
    METHOD_NOT_ALLOWED = 405 "method-not-allowed" "This address does not take that method";
    CONFLICT = 409 "conflict" "This is in the way of something that exists";
    WOULD_LOCK_OUT_CALLER = 409 "would-lock-out-caller" "This would lock you out";
    LAST_OWNER = 409 "last-owner" "A workspace needs an owner";
    GONE = 410 "gone" "This was used or has run out";
    PRECONDITION_FAILED = 412 "precondition-failed" "Somebody changed this meanwhile";
    PAYLOAD_TOO_LARGE = 413 "payload-too-large" "The request body is too large";
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported-media-type" "This media type is not understood here";
    MISDIRECTED = 421 "misdirected-request" "This is not the address of that host";
    UNPROCESSABLE = 422 "unprocessable" "The request can't be carried out as it is";
    IDEMPOTENCY_KEY_REUSED = 422 "idempotency-key-reused" "This Idempotency-Key belongs to another request";
    TOO_MANY_ATTEMPTS = 429 "too-many-attempts" "Too many attempts";
    DEPROVISIONING_HELD = 429 "deprovisioning-held" "More people lose access at once than may without approval";
    INTERNAL = 500 "internal" "Something went wrong on our side";
    BUSY = 503 "busy" "Too busy right now";
    UNAVAILABLE = 503 "session-authority-unavailable" "Sessions can't be judged right now";
}

/// An error on its way to whoever asked.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    problem: Problem,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    log: Option<String>,
    retry_after: Option<Duration>,
    database: Option<DatabaseFault>,
    remedy: Option<String>,
    operation: Option<String>,
}

/// What a database refused, as far as an operation may need to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseFault {
    UniqueViolation,
    /// Deadlock, serialisation failure or a locked file: nothing was written.
    Conflict,
    /// No connection, or it was lost.
    Unavailable,
    Other,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A problem with the sentence that the client reads.
    pub fn new(problem: Problem, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            problem,
            detail: detail.into(),
            field: None,
            log: None,
            retry_after: None,
            database: None,
            remedy: None,
            operation: None,
        }))
    }

    /// 400 that names the field.
    pub fn invalid(field: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(INVALID_REQUEST, detail).with_field(field)
    }

    /// 422 that names the field.
    pub fn unprocessable(field: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(UNPROCESSABLE, detail).with_field(field)
    }

    /// 404 without a hint whether the thing exists elsewhere.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(NOT_FOUND, format!("no {what} with this identifier"))
    }

    /// 500 with a message for the log only.
    pub fn internal(log: impl fmt::Display) -> Self {
        Self::new(INTERNAL, "the request was not carried out; the operator finds the reason under this request id")
            .with_log(log.to_string())
    }

    /// A fault of the database.
    pub fn database(fault: DatabaseFault, log: impl fmt::Display) -> Self {
        let mut error = match fault {
            DatabaseFault::Conflict | DatabaseFault::Unavailable => {
                Self::new(UNAVAILABLE, "the database did not answer; try again")
                    .with_retry_after(Duration::from_secs(1))
                    .with_log(log.to_string())
            }
            _ => Self::internal(log),
        };
        error.0.database = Some(fault);
        error
    }

    pub fn with_field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    pub fn with_log(mut self, log: String) -> Self {
        self.0.log = Some(log);
        self
    }

    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Names the page on our own origin that removes the obstacle: somebody who asked for a page is sent there. A client of
    /// the API gets the problem all the same.
    pub fn with_remedy(mut self, path: impl Into<String>) -> Self {
        self.0.remedy = Some(path.into());
        self
    }

    /// Names the address that tells how an operation goes on.
    pub fn with_operation(mut self, path: impl Into<String>) -> Self {
        self.0.operation = Some(path.into());
        self
    }

    pub fn problem(&self) -> Problem {
        self.0.problem
    }

    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// What the operator reads; the detail if there is nothing more to say.
    pub fn log(&self) -> &str {
        self.0.log.as_deref().unwrap_or(&self.0.detail)
    }

    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Where a person goes on; `None` if no page helps.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }

    /// Where to ask how it goes on.
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    pub fn is_unique_violation(&self) -> bool {
        self.0.database == Some(DatabaseFault::UniqueViolation)
    }

    /// Whether the same transaction may be tried once more.
    pub fn is_transient(&self) -> bool {
        matches!(self.0.database, Some(DatabaseFault::Conflict | DatabaseFault::Unavailable))
    }

    /// The same error, met at a commit: if the connection was lost there, nobody knows whether it happened, and it must not
    /// be done twice.
    pub fn at_commit(mut self) -> Self {
        if self.0.database == Some(DatabaseFault::Unavailable) {
            self.0.database = Some(DatabaseFault::Other);
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field() {
            Some(field) => write!(formatter, "{}: {}: {}", self.0.problem.title, field, self.log()),
            None => write!(formatter, "{}: {}", self.0.problem.title, self.log()),
        }
    }
}

impl std::error::Error for Error {}
