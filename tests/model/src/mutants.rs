//! The rules, each by what happens without it. docs/revocation-protocol.md numbers them.

/// A rule that is taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// All rules are in force.
    None,

    /// Registration reads the head before its row can be seen.
    HeadBeforeRow,
    /// The lease is extended before what it covers is applied.
    LeaseBeforeApply,
    /// The lease is judged after the state was read.
    LeaseLast,
    /// A fence goes by what a replica acknowledged, not by what it was granted.
    FenceByAck,
    /// Nobody is fenced: not wrong, but every revocation waits for who is gone.
    NoFence,
    /// The barrier waits for less than a lease.
    ShortWait,
    /// The lease is counted from the answer, not from the question.
    T0Late,
    /// It is acknowledged before it is committed.
    AckBeforeCommit,
    /// A renewal that is carried out late takes back what a later one was granted.
    GrantBackwards,
    /// A fenced replica may renew.
    RenewThoughFenced,
    /// Who registers keeps lease and memory meanwhile.
    RegisterWithLease,
    /// Two processes have one row and no incarnation.
    SharedId,
    /// Leases go by a clock that can be set back.
    WallClock,
    /// A registration that was given up is carried out later, over the row of the next one.
    LateRegistration,
    /// A renewal that is only a read is fenced.
    EmbeddedFence,

    /// A newer change is applied without those before it.
    ApplyOutOfOrder,
    /// Who registers anew goes on with what it remembered.
    KeepMemory,
    /// A pushed log-out of everybody forgets whom it spares.
    ForgetSpared,
    /// What is read while registering is remembered.
    LearnWhileRegistering,
    /// What is older than what is applied is remembered.
    InsertStale,
    /// Unknown tokens are remembered.
    NegativeCache,
    /// It is refused before memory knows why.
    RefuseUnsettled,

    /// The first change on a new timeline takes the next number.
    RaiseWithoutLeap,
    /// A renewal need not wait for the standby.
    AsyncRenewal,
    /// Without a lease the database is believed.
    UnleasedRead,
    /// A snapshot that is older than what was applied is used.
    IgnoreFloor,
    /// Who isn't found is unknown, whether or not a lease was granted since.
    UnknownUnasked,
}
