use codegen_agents::{CommandProvider, Provider, Providers, SearchProvider};

use crate::arguments::Command;

/// Who works on which runs: the code search on all of them, and a configured program on those that
/// ask for the agent type `claude_code`.
pub(crate) fn providers(command: Option<&Command>) -> Providers {
    let search = Provider::new(SearchProvider::new());
    let providers = Providers::new(search.clone()).agent_type("codegen", search);
    match command {
        None => providers,
        Some(Command { program, arguments }) => {
            let provider = arguments
                .iter()
                .fold(CommandProvider::new(program), CommandProvider::arg);
            providers.agent_type("claude_code", Provider::new(provider))
        }
    }
}
