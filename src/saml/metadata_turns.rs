//! Turns to fetch metadata in this process. The job has its own and waits for them; whoever asks as an administrator doesn't wait,
//! neither behind the job nor behind others, and has one fetch at a time in their workspace: what is called may be slow on purpose.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::base::ids::WorkspaceId;
use crate::error::{BUSY, CONFLICT, Error, Result};

/// Fetches of each side at once.
const AT_ONCE: usize = 8;

/// The turns of this process.
pub struct Turns {
    job: Semaphore,
    administrators: Semaphore,
    /// Workspaces whose administrators have one.
    workspaces: Mutex<HashSet<WorkspaceId>>,
}

/// A turn; dropped, it is another's.
pub struct Turn<'a> {
    turns: &'a Turns,
    workspace: Option<WorkspaceId>,
    _permit: SemaphorePermit<'a>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            job: Semaphore::new(AT_ONCE),
            administrators: Semaphore::new(AT_ONCE),
            workspaces: Mutex::new(HashSet::new()),
        }
    }
}

impl Turns {
    /// A turn of the job, as soon as there is one.
    ///
    /// # Errors
    /// 500 if there are no turns any more: nobody ends them.
    pub async fn of_job(&self) -> Result<Turn<'_>> {
        let permit = self.job.acquire().await.map_err(Error::internal)?;
        Ok(Turn { turns: self, workspace: None, _permit: permit })
    }

    /// A turn of an administrator of this workspace, at once.
    ///
    /// # Errors
    /// 503 if too many of others are fetching; 409 if one of this workspace is.
    pub fn of_administrator(&self, workspace: &WorkspaceId) -> Result<Turn<'_>> {
        let busy = |_| {
            Error::new(BUSY, "too much metadata is being fetched at this moment: try again")
                .with_retry_after(Duration::from_secs(1))
        };
        let permit = self.administrators.try_acquire().map_err(busy)?;
        if !self.workspaces().insert(workspace.clone()) {
            return Err(Error::new(CONFLICT, "metadata is being fetched for this workspace at this moment: try again"));
        }
        Ok(Turn { turns: self, workspace: Some(workspace.clone()), _permit: permit })
    }

    fn workspaces(&self) -> MutexGuard<'_, HashSet<WorkspaceId>> {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(workspace) = &self.workspace {
            self.turns.workspaces().remove(workspace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_has_a_turn_or_is_told() {
        let turns = Turns::default();
        let workspace = |number: usize| WorkspaceId::from_text(number.to_string());
        let status = |turn: Result<Turn<'_>>| turn.map(|_| 200).unwrap_or_else(|error| error.problem().status);
        let mut all: Vec<Turn<'_>> =
            (1..AT_ONCE).map(|number| turns.of_administrator(&workspace(number)).expect("a turn")).collect();
        assert_eq!(status(turns.of_administrator(&workspace(1))), 409);
        all.push(turns.of_administrator(&workspace(AT_ONCE)).expect("the refused one holds none"));
        assert_eq!(status(turns.of_administrator(&workspace(0))), 503);
        drop(all.pop());
        assert_eq!(status(turns.of_administrator(&workspace(0))), 200);
        drop(all);
        assert_eq!(status(turns.of_administrator(&workspace(1))), 200);
    }
}
