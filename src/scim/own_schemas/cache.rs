//! Schemas of workspaces in memory. Nothing here grows old: whoever asks names the stamp that the database has at that moment,
//! and gets what belongs to it or nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::model::Definitions;
use crate::base::ids::WorkspaceId;

/// Workspaces that are remembered. Beyond, all are forgotten and read anew.
const MOST_WORKSPACES: usize = 1_000;

/// What this process knows.
#[derive(Default)]
pub struct KnownSchemas {
    workspaces: Mutex<HashMap<WorkspaceId, Arc<Definitions>>>,
}

impl KnownSchemas {
    /// What belongs to that stamp, if it is known.
    pub fn find(&self, workspace: &WorkspaceId, stamp: &str) -> Option<Arc<Definitions>> {
        self.held().get(workspace).filter(|known| known.stamp == stamp).cloned()
    }

    pub fn remember(&self, workspace: &WorkspaceId, definitions: &Arc<Definitions>) {
        let mut held = self.held();
        if held.len() >= MOST_WORKSPACES && !held.contains_key(workspace) {
            held.clear();
        }
        held.insert(workspace.clone(), definitions.clone());
    }

    fn held(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<Definitions>>> {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
