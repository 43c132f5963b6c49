//! Pure: in which order the operations of a bulk request are carried out, and which of them together. As they were sent, but what
//! an operation refers to goes before it; operations that refer to each other in a circle are done together or not at all.
//!
//! Operations that follow each other and touch nothing in common share a transaction: one commit, one lock of the audit
//! log. What may take long, changes of groups, stays alone.

use super::bulk::{Operation, Work};
use super::schema::ResourceType;

/// New users of one transaction at the most.
const MOST_NEW_USERS: usize = 250;
/// Changed users of one transaction at the most: it holds the head, for which every other change waits.
const MOST_CHANGED_USERS: usize = 20;

/// What the operations of a transaction have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    NewUsers,
    /// Each another one.
    ChangedUsers,
    /// One operation on a group.
    Alone,
    /// New resources that refer to each other.
    Circle,
    /// Nothing that can be done.
    Refused,
}

/// Operations for one transaction, by their positions, in the order in which to carry them out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub kind: RunKind,
    pub operations: Vec<usize>,
}

/// The transactions of a request.
pub fn runs(operations: &[Operation]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for step in steps(operations) {
        let kind = kind(operations, &step);
        let joins = runs.last().is_some_and(|last| takes(operations, last, kind, step[0]));
        match runs.last_mut().filter(|_| joins) {
            Some(last) => last.operations.extend(step),
            None => runs.push(Run { kind, operations: step }),
        }
    }
    runs
}

/// The same, where new users may turn out to have other ids than they were given: what refers to one of them begins another run,
/// for which its operations are made ready when that is known.
pub fn apart(operations: &[Operation], runs: Vec<Run>) -> Vec<Run> {
    let mut parts: Vec<Run> = Vec::new();
    for Run { kind, operations: together } in runs {
        if kind != RunKind::NewUsers {
            parts.push(Run { kind, operations: together });
            continue;
        }
        for (place, index) in together.into_iter().enumerate() {
            let joins = place > 0 && operations[index].needs().is_empty();
            match parts.last_mut().filter(|_| joins) {
                Some(last) => last.operations.push(index),
                None => parts.push(Run { kind, operations: vec![index] }),
            }
        }
    }
    parts
}

fn kind(operations: &[Operation], step: &[usize]) -> RunKind {
    match (step, &operations[step[0]].task) {
        ([_, _, ..], _) => RunKind::Circle,
        (_, Err(_)) => RunKind::Refused,
        (_, Ok(task)) => match (task.kind, &task.work) {
            (ResourceType::User, Work::Create(_)) => RunKind::NewUsers,
            (ResourceType::User, _) => RunKind::ChangedUsers,
            (ResourceType::Group, _) => RunKind::Alone,
        },
    }
}

fn takes(operations: &[Operation], run: &Run, kind: RunKind, next: usize) -> bool {
    let most = match run.kind {
        RunKind::NewUsers => MOST_NEW_USERS,
        RunKind::ChangedUsers => MOST_CHANGED_USERS,
        RunKind::Refused => usize::MAX,
        RunKind::Alone | RunKind::Circle => return false,
    };
    if run.operations.len() >= most {
        return false;
    }
    let id = |index: usize| operations[index].task.as_ref().ok().map(|task| task.id.as_str());
    match kind {
        RunKind::Refused => true,
        RunKind::ChangedUsers => {
            run.kind == kind
                && !run.operations.iter().any(|other| id(*other).is_some_and(|other| id(next) == Some(other)))
        }
        _ => run.kind == kind,
    }
}

/// The strongly connected components of "refers to", what is referred to first (Tarjan).
fn steps(operations: &[Operation]) -> Vec<Vec<usize>> {
    let count = operations.len();
    let mut search = Search {
        operations,
        numbers: vec![0; count],
        lowest: vec![0; count],
        next: 1,
        open: Vec::new(),
        is_open: vec![false; count],
        found: Vec::new(),
    };
    for index in 0..count {
        if search.numbers[index] == 0 {
            search.visit(index);
        }
    }
    search.found
}

struct Search<'a> {
    operations: &'a [Operation],
    /// When each was visited first; 0: not yet.
    numbers: Vec<usize>,
    /// The smallest number that can be reached from each.
    lowest: Vec<usize>,
    next: usize,
    open: Vec<usize>,
    is_open: Vec<bool>,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    /// As deep as a request has operations at the most.
    fn visit(&mut self, index: usize) {
        self.numbers[index] = self.next;
        self.lowest[index] = self.next;
        self.next += 1;
        self.open.push(index);
        self.is_open[index] = true;
        let operations = self.operations;
        for needed in operations[index].needs().iter().copied() {
            if self.numbers[needed] == 0 {
                self.visit(needed);
                self.lowest[index] = self.lowest[index].min(self.lowest[needed]);
            } else if self.is_open[needed] {
                self.lowest[index] = self.lowest[index].min(self.numbers[needed]);
            }
        }
        if self.lowest[index] == self.numbers[index] {
            let start = self.open.iter().rposition(|open| *open == index).unwrap_or_default();
            let mut step = self.open.split_off(start);
            for closed in &step {
                self.is_open[*closed] = false;
            }
            step.sort_unstable();
            self.found.push(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scim::bulk;

    fn new(bulk_id: &str, manager: &str) -> Value {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        json!({"method": "POST", "path": "/Users", "bulkId": bulk_id,
               "data": {"userName": bulk_id, enterprise: {"manager": {"value": manager}}}})
    }

    fn group(bulk_id: &str, member: &str) -> Value {
        json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id,
               "data": {"displayName": "G", "members": [{"value": member}]}})
    }

    fn off(id: &str) -> Value {
        json!({"method": "DELETE", "path": format!("/Users/{id}")})
    }

    fn order(operations: Value) -> Vec<(RunKind, Vec<usize>)> {
        let body = json!({"Operations": operations}).to_string();
        let request = bulk::parse(body.as_bytes(), ResourceType::definition).expect("valid");
        runs(&request.operations).into_iter().map(|run| (run.kind, run.operations)).collect()
    }

    #[test]
    fn case_21_what_is_referred_to_goes_first() {
        let list = json!([group("g", "bulkId:b"), new("a", "x"), new("b", "bulkId:c"), new("c", "x")]);
        assert_eq!(
            order(list),
            [(RunKind::NewUsers, vec![3, 2]), (RunKind::Alone, vec![0]), (RunKind::NewUsers, vec![1]),]
        );
    }

    #[test]
    fn case_21_circles_are_done_together() {
        let list = json!([new("a", "bulkId:b"), new("x", "y"), new("b", "bulkId:c"), new("c", "bulkId:a"), off("z")]);
        assert_eq!(
            order(list),
            [(RunKind::Circle, vec![0, 2, 3]), (RunKind::NewUsers, vec![1]), (RunKind::ChangedUsers, vec![4]),]
        );
    }

    #[test]
    fn neighbours_share_a_transaction_unless_they_meet() {
        let list = json!([off("a"), off("b"), {"method": "DELETE", "path": "/Nothing/x"}, off("a"), new("n", "x"), new("m", "x")]);
        assert_eq!(
            order(list),
            [(RunKind::ChangedUsers, vec![0, 1, 2]), (RunKind::ChangedUsers, vec![3]), (RunKind::NewUsers, vec![4, 5]),]
        );
        let many: Vec<Value> = (0..45).map(|number| off(&format!("u{number}"))).collect();
        assert_eq!(order(json!(many)).iter().map(|(_, run)| run.len()).collect::<Vec<_>>(), [20, 20, 5]);
    }

    #[test]
    fn what_refers_to_a_new_user_waits_for_their_id() {
        let list = json!([new("a", "x"), new("b", "bulkId:a"), new("c", "x"), off("z"), off("y")]);
        let body = json!({"Operations": list}).to_string();
        let request = bulk::parse(body.as_bytes(), ResourceType::definition).expect("valid");
        let parts = apart(&request.operations, runs(&request.operations));
        let shown: Vec<Vec<usize>> = parts.into_iter().map(|run| run.operations).collect();
        assert_eq!(shown, [vec![0], vec![1, 2], vec![3, 4]]);
    }

    #[test]
    fn case_58_a_long_chain_of_references_is_put_in_order() {
        let name = |number: usize| format!("u{number}");
        let last = bulk::MOST_OPERATIONS - 1;
        let link = |number: usize| new(&name(number), &format!("bulkId:{}", name(number + 1)));
        let mut chain: Vec<Value> = (0..last).map(link).collect();
        chain.push(new(&name(last), "x"));
        let found: Vec<usize> = order(json!(chain)).into_iter().flat_map(|(_, run)| run).collect();
        assert!(found.into_iter().eq((0..bulk::MOST_OPERATIONS).rev()));
    }
}
